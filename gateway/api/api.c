#include "api/api.h"

#include "api/call.h"
#include "api/events.h"
#include "api/imkit.h"
#include "api/ledger_call.h"
#include "api/native.h"
#include "api/rc.h"
#include "base/text.h"

#include <stdlib.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SEGMENTS_MAX 8
#define SUFFIX ".json"
#define SUFFIX_N (sizeof(SUFFIX) - 1)
#define FORM_BODY_MAX ((uint64_t)512 << 10)

#define READ(path, auth, parse, run) {"GET", path, auth, CALL_READ, CALL_NO_BODY, false, parse, run, NULL}
#define WRITE(method, path, auth, body, parse, run)                                                              \
    {method, path, auth, CALL_WRITE, body, false, parse, run, NULL}
#define HERE(path, demo, here) {"GET", path, CALL_OPEN, CALL_HERE, CALL_NO_BODY, demo, NULL, NULL, here}
#define ANYONE CALL_ANYONE
#define PLATFORM CALL_PLATFORM
#define OBJECT CALL_OBJECT

/* Every call there is. Of two patterns that match, the first counts: literal parts stand before ':' parts. */
static const struct call_route routes[] = {
    /* the IMKit dialect */
    WRITE("POST", "/rooms/:room/message", ANYONE, OBJECT, imkit_message_parse, imkit_message_run),
    WRITE("POST", "/messages", PLATFORM, OBJECT, imkit_message_parse_direct, imkit_message_run),
    WRITE("POST", "/messages/batch", PLATFORM, OBJECT, imkit_batch_parse, imkit_batch_run),
    WRITE("POST", "/messages/user-delete", ANYONE, OBJECT, imkit_message_parse_hide, imkit_message_hide),
    WRITE("DELETE", "/rooms/:room/messages/:message", ANYONE, CALL_NO_BODY, imkit_message_parse_delete,
          imkit_message_delete),
    READ("/rooms/:room/events", ANYONE, events_parse, events_run),
    READ("/rooms/:room/messages/v3", ANYONE, imkit_history_parse, imkit_history_run),
    READ("/rooms/:room/messages/:message", ANYONE, imkit_history_parse_around, imkit_history_around),
    WRITE("PUT", "/rooms/:room/lastRead", ANYONE, OBJECT, imkit_room_parse_read, imkit_room_read),
    WRITE("POST", "/rooms/createAndJoin", ANYONE, CALL_MAY_BODY, imkit_room_parse_joined, imkit_room_create),
    WRITE("POST", "/rooms", ANYONE, CALL_MAY_BODY, imkit_room_parse, imkit_room_create),
    READ("/rooms", ANYONE, imkit_room_parse_list, imkit_room_list),
    READ("/rooms/:room", ANYONE, imkit_room_parse_any, imkit_room_get),
    WRITE("POST", "/rooms/:room/join", ANYONE, CALL_NO_BODY, imkit_room_parse_one, imkit_room_join),
    WRITE("POST", "/rooms/:room/members", ANYONE, OBJECT, imkit_room_parse_members, imkit_room_add),
    WRITE("POST", "/rooms/:room/delete/members", ANYONE, OBJECT, imkit_room_parse_members, imkit_room_remove),
    WRITE("PUT", "/rooms/:room/member/:client", ANYONE, OBJECT, imkit_room_parse_role, imkit_room_role),
    WRITE("POST", "/admin/clients/list", PLATFORM, CALL_ARRAY, imkit_client_parse_list, imkit_client_upsert),
    WRITE("POST", "/admin/clients", PLATFORM, OBJECT, imkit_client_parse, imkit_client_upsert),
    WRITE("PUT", "/admin/clients/:client/token", PLATFORM, CALL_MAY_BODY, imkit_client_parse_token,
          imkit_client_put_token),
    WRITE("DELETE", "/admin/clients/:client/token", PLATFORM, CALL_MAY_BODY, imkit_client_parse_token,
          imkit_client_revoke),
    READ("/admin/connection-count", PLATFORM, NULL, imkit_admin_connections),
    READ("/admin/stats", PLATFORM, NULL, imkit_admin_stats),
    /* the ledger of a recall */
    READ("/rooms/:room/messages/:message/recall", ANYONE, ledger_call_parse, ledger_call_run),
    /* the server itself */
    HERE("/healthz", false, native_health),
    HERE("/readyz", false, native_ready),
    HERE("/metrics", false, native_metrics),
    HERE("/demo/:file", true, native_demo_file),
    HERE("/demo", true, native_demo_file),
    HERE("/", true, native_demo_redirect),
    {"POST", "/demo/token", CALL_OPEN, CALL_WRITE, OBJECT, true, native_demo_parse_token, native_demo_token, NULL},
};

/* The path's parts, decoded; empty ones ("//", a last '/') are left out. */
struct segments {
    struct str part[SEGMENTS_MAX];
    size_t n;
};

enum split { SPLIT_OK, SPLIT_MALFORMED, SPLIT_UNKNOWN };

static enum split split_path(struct arena *arena, struct str path, struct segments *out)
{
    out->n = 0;
    for (size_t i = 0; i < path.n;) {
        const char *slash = memchr(path.p + i, '/', path.n - i);
        const size_t n = slash != NULL ? (size_t)(slash - path.p) - i : path.n - i;

        if (n != 0) {
            char *decoded = arena_alloc(arena, n + 1);
            size_t len;

            if (out->n == SEGMENTS_MAX)
                return SPLIT_UNKNOWN;
            if (!text_percent_decode(path.p + i, n, TEXT_DECODE_URL, decoded, &len) ||
                !text_utf8_valid(decoded, len) || memchr(decoded, '\0', len) != NULL)
                return SPLIT_MALFORMED;
            out->part[out->n++] = str_n(decoded, len);
        }
        i += n + 1;
    }
    return SPLIT_OK;
}

static bool matches(const char *pattern, const struct segments *path, struct str params[CALL_PARAMS_MAX])
{
    size_t params_used = 0;

    for (size_t i = 0;; i++) {
        size_t n;

        pattern += *pattern == '/' ? 1 : 0;
        n = strcspn(pattern, "/");
        if (n == 0 || i == path->n)
            return n == 0 && i == path->n;
        if (*pattern == ':')
            params[params_used++] = path->part[i];
        else if (!str_eq(str_n(pattern, n), path->part[i]))
            return false;
        pattern += n;
    }
}

enum { ALLOW_GET = 1, ALLOW_POST = 2, ALLOW_PUT = 4, ALLOW_DELETE = 8 };

static unsigned method_bit(const char *method)
{
    switch (method[0] == 'P' ? method[1] : method[0]) {
    case 'G':
        return ALLOW_GET;
    case 'O':
        return ALLOW_POST;
    case 'U':
        return ALLOW_PUT;
    default:
        return ALLOW_DELETE;
    }
}

/* RFC 9110 wants a 405 to say what would do. Only combinations that the table above has. */
static const char *allow_line(unsigned methods)
{
    switch (methods) {
    case ALLOW_GET:
        return "Allow: GET, HEAD\r\n";
    case ALLOW_POST:
        return "Allow: POST\r\n";
    case ALLOW_PUT:
        return "Allow: PUT\r\n";
    case ALLOW_GET | ALLOW_POST:
        return "Allow: GET, HEAD, POST\r\n";
    case ALLOW_GET | ALLOW_DELETE:
        return "Allow: GET, HEAD, DELETE\r\n";
    case ALLOW_PUT | ALLOW_DELETE:
        return "Allow: PUT, DELETE\r\n";
    default:
        return "Allow: GET, HEAD, POST, PUT, DELETE\r\n";
    }
}

/* Calls of RongCloud's dialect have paths of their own, and one method each. */
static bool find_rongcloud(struct api_call *call, struct str method, const struct segments *path)
{
    const struct call_route *route;

    for (size_t i = 0; (route = rc_route(i)) != NULL; i++) {
        struct str params[CALL_PARAMS_MAX] = {STR_NULL};

        if (!matches(route->pattern, path, params))
            continue;
        call->rongcloud = true;
        if (!text_is(method.p, method.n, route->method))
            return false;
        memcpy(call->params, params, sizeof(params));
        call->route = route;
        return true;
    }
    return false;
}

static bool speaks_rongcloud(const struct api_request *request)
{
    return !str_empty(request->rc_app_key) || api_is_rongcloud(request->path);
}

/* Finds the route; false with the refusal noted. */
static bool find_route(struct api_call *call, const struct api_request *request)
{
    const struct str method = str_eq(call->method, STR("HEAD")) ? STR("GET") : call->method;
    unsigned allowed = 0;
    struct segments path;
    const enum split split = split_path(&call->arena, call->path, &path);

    if (split == SPLIT_OK && find_rongcloud(call, method, &path))
        return true;
    call->rongcloud = call->rongcloud || (split == SPLIT_MALFORMED && speaks_rongcloud(request));
    if (split == SPLIT_MALFORMED)
        return call_refuse(call, RESULT_INVALID_BODY,
                           "The path is malformed: it must be percent-encoded UTF-8");
    for (size_t i = 0; split == SPLIT_OK && i < COUNT(routes); i++) {
        struct str params[CALL_PARAMS_MAX] = {STR_NULL};

        if ((routes[i].demo && !call->thread->gateway->demo) || !matches(routes[i].pattern, &path, params))
            continue;
        allowed |= method_bit(routes[i].method);
        if (!text_is(method.p, method.n, routes[i].method))
            continue;
        memcpy(call->params, params, sizeof(params));
        call->route = &routes[i];
        return true;
    }
    call->rongcloud = call->rongcloud || (allowed == 0 && speaks_rongcloud(request));
    if (allowed == 0)
        return call_refuse(call, RESULT_NO_CALL, call->rongcloud ? "There is no such call: check path and method"
                                                                 : "There is no such call: check the path");
    call->extra = allow_line(allowed);
    return call_refuse(call, RESULT_BAD_METHOD, "This path does not take %.*s",
                       (int)(method.n < 20 ? method.n : 20), method.p);
}

struct api_call *api_begin(struct api_thread *thread, const struct api_request *request, api_reply_fn *answer,
                           void *edge_context)
{
    static const char no_memory[] =
        "{\"RC\":503,\"RM\":\"The server is out of memory: try again\","
        "\"error\":{\"code\":\"SERVICE_UNAVAILABLE\",\"message\":\"The server is out of memory\"}}";
    struct api_call *call = call_create(thread, request, answer, edge_context);

    if (call == NULL) {
        struct api_reply reply = {.status = 503,
                                  .content_type = "application/json; charset=utf-8",
                                  .static_body = no_memory,
                                  .len = sizeof(no_memory) - 1,
                                  .retry_after_s = 1};

        answer(edge_context, &reply);
        return NULL;
    }
    if (!find_route(call, request)) {
        call_finish(call);
        return NULL;
    }
    return call_start(call, request);
}

/* The byte that stands at path[*at], decoded as the routes are looked up; *at moves behind it. */
static char decoded_byte(struct str path, size_t *at)
{
    const char c = path.p[*at];
    unsigned char byte;

    if (c == '%' && path.n - *at > 2 && text_unhex(path.p + *at + 1, 2, &byte)) {
        *at += 3;
        return (char)byte;
    }
    *at += 1;
    return c;
}

/* Whether it begins with "/folder/", however many slashes stand at its start, and however it is encoded. */
static bool is_below(struct str path, const char *folder)
{
    size_t at = 0;

    while (path.n > 1 && path.p[0] == '/' && path.p[1] == '/') {
        path.p++;
        path.n--;
    }
    for (; *folder != '\0'; folder++)
        if (at == path.n || decoded_byte(path, &at) != *folder)
            return false;
    return true;
}

struct str api_logged_path(struct str path)
{
    return is_below(path, "/history/") ? STR("/history/") : path;
}

bool api_is_rongcloud(struct str path)
{
    if (is_below(path, "/rooms/") || is_below(path, "/admin/") || is_below(path, "/messages/") || is_below(path, "/demo/"))
        return false;
    return path.n > SUFFIX_N && text_is_nocase(path.p + path.n - SUFFIX_N, SUFFIX_N, SUFFIX);
}

uint64_t api_body_max(const struct api_request *request, uint64_t max_body)
{
    static const char form[] = "application/x-www-form-urlencoded";
    static const char push[] = "/push.json";
    const struct str type = request->content_type, path = request->path;
    const size_t form_n = sizeof(form) - 1, push_n = sizeof(push) - 1;
    const bool larger = api_is_rongcloud(path) &&
                        ((type.n >= form_n && text_is_nocase(type.p, form_n, form)) ||
                         (path.n >= push_n && text_is(path.p + path.n - push_n, push_n, push)));

    return larger && max_body < FORM_BODY_MAX ? FORM_BODY_MAX : max_body;
}

void api_cancel(struct api_call *call)
{
    if (call != NULL)
        call->answer = NULL;
}
