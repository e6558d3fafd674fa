/* The history log: a link to one hour's messages, and the archive behind it. */
#include "api/rc.h"

#include "api/rc_zip.h"
#include "auth/digest.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/zone.h"
#include "core/history_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_S 3600
#define LINK_S HOUR_S       /* how long a link is good */
#define MAC_SIZE DIGEST_SHA256_SIZE
#define DATE_SIZE 11        /* YYYYMMDDHH and a zero byte */
#define HOST_MAX 255

/* An hour of the app's calendar. */
struct hour {
    int64_t year;
    unsigned month, day, hour;
    int64_t from_ms, to_ms;
};

struct history_call {
    struct hour hour;
    char date[DATE_SIZE];
    struct history_log log; /* of an archive that is being made */
};

/* The moment of a time of day as the app's clocks show it. */
static int64_t moment(const struct config_app *app, int64_t local_ms)
{
    const int64_t near_ms = local_ms - zone_offset(app->time_zone, local_ms) * 1000;

    return local_ms - zone_offset(app->time_zone, near_ms) * 1000;
}

/* YYYYMMDDHH. */
static bool read_hour(const struct config_app *app, struct str date, struct hour *h)
{
    int64_t part[4], days, back;
    unsigned month, day;
    const size_t at[] = {0, 4, 6, 8, 10};

    if (date.n != DATE_SIZE - 1)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!text_parse_int(date.p + at[i], at[i + 1] - at[i], 0, 9999, &part[i]))
            return false;
    if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23)
        return false;
    days = clock_days_from_date(part[0], (unsigned)part[1], (unsigned)part[2]);
    clock_date_from_days(days, &back, &month, &day);
    if (back != part[0] || month != (unsigned)part[1] || day != (unsigned)part[2])
        return false;
    *h = (struct hour){.year = part[0], .month = month, .day = day, .hour = (unsigned)part[3]};
    h->from_ms = moment(app, (days * 24 + part[3]) * HOUR_S * 1000);
    h->to_ms = moment(app, (days * 24 + part[3] + 1) * HOUR_S * 1000);
    return true;
}

static bool read_date(struct api_call *call)
{
    struct history_call *h = arena_alloc(&call->arena, sizeof(*h));
    struct str date;

    call->command = h;
    if (!rc_text(call, "date", true, SIZE_MAX, &date))
        return false;
    if (!read_hour(call->app, date, &h->hour))
        return rc_refuse(call, RC_PARAMETER, "date must be an hour as YYYYMMDDHH");
    memcpy(h->date, date.p, DATE_SIZE - 1);
    return true;
}

/* --- the link --- */

/* The key of a link is what it is for, and a code that only the app's secret makes: nothing is kept for it. */
static bool sign(const struct config_app *app, struct str text, unsigned char mac[MAC_SIZE])
{
    static const char purpose[] = "history log\n";
    char *all = malloc(sizeof(purpose) - 1 + text.n);
    bool ok = false;

    if (all == NULL)
        return false;
    memcpy(all, purpose, sizeof(purpose) - 1);
    memcpy(all + sizeof(purpose) - 1, text.p, text.n);
    ok = digest_hmac_sha256(app->app_secret, strlen(app->app_secret), all, sizeof(purpose) - 1 + text.n, mac);
    free(all);
    return ok;
}

static struct str make_key(struct api_call *call, const char *date)
{
    const struct str text = arena_printf(&call->arena, "%s\n%s\n%" PRId64, call->app->name, date,
                                         call->thread->now_ms() / 1000 + LINK_S);
    char *raw = arena_alloc(&call->arena, text.n + MAC_SIZE);
    char *key = arena_alloc(&call->arena, TEXT_BASE64URL_SIZE(text.n + MAC_SIZE));
    unsigned char mac[MAC_SIZE];

    if (!sign(call->app, text, mac))
        return STR_NULL;
    memcpy(raw, text.p, text.n);
    memcpy(raw + text.n, mac, MAC_SIZE);
    return str_n(key, text_base64url(raw, text.n + MAC_SIZE, key));
}

/* The caller's own name for this server, if it could be one. */
static struct str host_of(const struct api_call *call)
{
    const struct str host = call->host;

    for (size_t i = 0; i < host.n; i++) {
        const char c = host.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(".-_:[]", c) != NULL))
            return str_c(call->config->server.listen);
    }
    return host.n > 0 && host.n <= HOST_MAX ? host : str_c(call->config->server.listen);
}

bool rc_history_link_parse(struct api_call *call)
{
    return read_date(call);
}

enum result rc_history_link(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct history_call *h = call->command;
    const struct str key = make_key(call, h->date);
    const struct str host = host_of(call);
    struct json_out *o = &call->out.result;
    struct str url;

    (void)tx;
    (void)who;
    if (key.p == NULL)
        return tx_fail(&call->out, RESULT_INTERNAL, "The link could not be made: the crypto library failed");
    url = arena_printf(&call->arena, "%s://%.*s/history/%.*s.zip", call->config->server.tls_certificate != NULL ? "https" : "http",
                       (int)host.n, host.p, (int)key.n, key.p);
    json_out_object(o);
    json_out_kstr(o, "url", url.p, url.n);
    json_out_kcstr(o, "date", h->date);
    json_out_object_end(o);
    return RESULT_OK;
}

/* --- deleting --- */

bool rc_history_delete_parse(struct api_call *call)
{
    return read_date(call);
}

/* Archives are made when they are asked for and not kept: there is nothing to delete. */
void rc_history_delete(struct api_call *call, struct api_reply *reply)
{
    (void)call;
    (void)reply;
}

/* --- the archive --- */

static bool refuse_link(struct api_call *call)
{
    return call_refuse(call, RESULT_NO_CALL, "There is no such history log: its link is wrong or has expired");
}

/* "APP\nYYYYMMDDHH\nEXPIRY" and its code. */
static bool read_key(struct api_call *call, struct str key, struct history_call *h)
{
    char *raw = arena_alloc(&call->arena, key.n + 1);
    unsigned char mac[MAC_SIZE];
    const char *first, *second;
    struct str text, date;
    int64_t expires_s;
    size_t n;

    if (!text_base64url_decode(key.p, key.n, raw, &n) || n <= MAC_SIZE)
        return false;
    text = str_n(raw, n - MAC_SIZE);
    first = memchr(text.p, '\n', text.n);
    second = first != NULL ? memchr(first + 1, '\n', (size_t)(text.p + text.n - first - 1)) : NULL;
    if (second == NULL)
        return false;
    call->app = config_find_app_by_name(call->config, text.p, (size_t)(first - text.p));
    if (call->app == NULL || call->app->app_secret == NULL || !sign(call->app, text, mac) ||
        !text_equal_secret((const char *)mac, MAC_SIZE, raw + text.n, MAC_SIZE))
        return false;
    date = str_n(first + 1, (size_t)(second - first - 1));
    if (!text_parse_int(second + 1, (size_t)(text.p + text.n - second - 1), 0, INT64_MAX / 1000, &expires_s) ||
        call->thread->now_ms() / 1000 > expires_s || !read_hour(call->app, date, &h->hour))
        return false;
    memcpy(h->date, date.p, DATE_SIZE - 1);
    return true;
}

static void free_log(void *command)
{
    struct history_call *h = command;

    history_log_free(&h->log);
}

bool rc_history_zip_parse(struct api_call *call)
{
    static const char *const suffix = ".zip";
    struct history_call *h = arena_alloc(&call->arena, sizeof(*h));
    const struct str file = call->params[0];
    const size_t n = strlen(suffix);

    call->command = h;
    call->command_free = free_log;
    if (file.n <= n || !text_is(file.p + file.n - n, n, suffix) || !read_key(call, str_n(file.p, file.n - n), h)) {
        call->app = NULL;
        return refuse_link(call);
    }
    call->app_id = gateway_app_id(call->thread->gateway, str_c(call->app->name));
    if (call->app_id == 0 || call->app->locked)
        return refuse_link(call);
    call->raw_type = "application/zip";
    call->extra = "Content-Disposition: attachment\r\n";
    return true;
}

enum result rc_history_zip(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    struct history_call *h = call->command;
    struct history_log *log = &h->log;
    struct json_out *o = &call->out.result;
    char name[48];
    enum result rc = history_log_lines(tx, h->hour.from_ms, h->hour.to_ms, call->steps_done, log, &call->out);

    (void)who;
    if (rc != RESULT_OK || call->out.more)
        return rc;
    (void)snprintf(name, sizeof(name), "%04" PRId64 "-%02u-%02u-%02u", h->hour.year, h->hour.month, h->hour.day, h->hour.hour);
    /* The answer is these bytes: they take the place of the outcome's text, in which recalled messages are looked for. */
    json_out_free(o);
    o->p = rc_zip_make(name, log->p, log->len, h->hour.from_ms, &o->len);
    o->cap = o->len;
    if (o->p == NULL)
        return tx_fail(&call->out, RESULT_INTERNAL, "The archive could not be made: there is no memory for it");
    return RESULT_OK;
}
