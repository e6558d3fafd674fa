#include "core/device.h"

#include "core/conversation.h"
#include "core/event.h"
#include "core/room_access.h"

#include <stdio.h>
#include <stdlib.h>

/* A device that comes back within this time with nothing new about it is not written again. */
#define SEEN_STEP_MS INT64_C(3600000)
#define PACKAGES_BYTES 1024U
#define DAY_MS INT64_C(86400000)
/* What one new device, or one batch of acks, cleans up of what is too old: more than it adds, so that nothing grows for ever. */
#define PURGE_DEVICES 2U
#define PURGE_NOTES 512U

/* Is `item` one of the comma separated `list`? */
static bool listed(struct str list, struct str item)
{
    const char *p = list.p;
    const char *end = list.p + list.n;

    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const struct str one = str_n(p, (size_t)((comma != NULL ? comma : end) - p));

        if (str_eq(one, item))
            return true;
        p += one.n + 1;
    }
    return false;
}

/* From ~broadcast's next event on, what is for the package is for this device's user. */
static void name_package(struct core_tx *tx, struct str user, struct str device, struct str package)
{
    struct room_row broadcast = {.seq = 0};

    (void)store_room_get(tx->conn, tx->app_id, CONVERSATION_BROADCAST, &broadcast);
    store_package_put(tx->conn, tx->app_id, user, package, device, broadcast.seq);
}

/* The device's list with the package in it. One that would grow too long begins anew, and so do the rows. */
static struct str add_package(struct core_tx *tx, struct str user, struct str device, struct str packages, struct str package)
{
    if (packages.n == 0)
        return package;
    if (packages.n + package.n <= PACKAGES_BYTES)
        return arena_printf(tx->arena, "%.*s,%.*s", (int)packages.n, packages.p, (int)package.n, package.p);
    store_package_forget(tx->conn, tx->app_id, user, device);
    return package;
}

static bool noted(const struct core_tx *tx, const struct device_row *row, struct str caps, struct str package)
{
    return str_eq(row->caps, caps) && (str_empty(package) || listed(row->packages, package)) &&
           tx->now_ms - row->seen_ms < SEEN_STEP_MS;
}

bool device_noted(struct core_tx *tx, struct str user, struct str device, struct str caps, struct str package)
{
    struct device_row row;

    return store_device_get(tx->conn, tx->app_id, user, device, &row) && noted(tx, &row, caps, package);
}

void device_seen(struct core_tx *tx, struct str user, struct str device, struct str caps, struct str package, uint32_t serial,
                 int64_t device_days)
{
    struct device_row row;
    const bool known = store_device_get(tx->conn, tx->app_id, user, device, &row);

    if (!known || !noted(tx, &row, caps, package)) {
        struct str packages = known && !str_empty(row.packages) ? row.packages : STR("");

        if (!str_empty(package) && !listed(packages, package))
            packages = add_package(tx, user, device, packages, package);
        row = (struct device_row){user, device, caps, packages, tx->now_ms};
        store_device_put(tx->conn, tx->app_id, &row);
        if (!str_empty(package))
            name_package(tx, user, device, package);
    }
    /* Twice: a recall's ledger counts devices seen up to device_days before it, and stays whole for device_days after it. */
    if (!known)
        store_device_purge(tx->conn, tx->now_ms - 2 * device_days * DAY_MS, PURGE_DEVICES);
    event_device(tx, user, device, serial);
}

/* --- acks --- */

static bool find_room(struct core_tx *tx, struct device_acks *batch, struct str id)
{
    if (batch->room.key != 0 && batch->room.app == tx->app_id && str_eq(batch->room.id, id))
        return true;
    batch->noted_from = batch->noted_to = batch->recall_upto = 0;
    if (store_room_get(tx->conn, tx->app_id, id, &batch->room))
        return true;
    memset(&batch->room, 0, sizeof(batch->room));
    return false;
}

/* How far the user may have got in the room: to its end, or to where they left it. 0: it was never theirs. */
static int64_t reach(struct core_tx *tx, const struct room_row *room, struct str user)
{
    struct member_row member;
    struct room_row again;

    if (room->id.p[0] == '~' ? room_access_open(tx, user, room->id, &again, NULL) == RESULT_OK
                             : store_member_get(tx->conn, room->key, user, &member))
        return room->seq;
    return store_member_past_last(tx->conn, room->key, user);
}

static void touch(struct core_tx *tx, struct device_acks *batch, const struct recall_row *recall)
{
    struct device_touched *t;

    if (recall->time_ms < tx->now_ms - DEVICE_TOUCHED_MS)
        return;
    for (size_t i = batch->count; i > 0; i--) {
        t = &batch->touched[i - 1];
        if (t->seq == recall->seq && t->app == tx->app_id && str_eq(str_c(t->message), recall->message))
            return;
    }
    if (batch->count == DEVICE_TOUCHED)
        return;
    if (batch->count == batch->cap) {
        batch->cap = batch->cap == 0 ? 8 : batch->cap * 2;
        batch->touched = realloc(batch->touched, batch->cap * sizeof(*batch->touched));
        if (batch->touched == NULL)
            abort();
    }
    t = &batch->touched[batch->count++];
    t->app = tx->app_id;
    t->seq = recall->seq;
    (void)snprintf(t->room, sizeof(t->room), "%.*s", (int)batch->room.id.n, batch->room.id.p);
    (void)snprintf(t->message, sizeof(t->message), "%.*s", (int)recall->message.n, recall->message.p);
}

/* Notes the recalls with from < seq <= to, unless the batch has them already. */
static void note(struct core_tx *tx, struct device_acks *batch, int64_t from, int64_t to)
{
    struct recall_row *recalls;
    size_t n;

    if (batch->noted_to != 0 && from >= batch->noted_from && to <= batch->noted_to)
        return;
    recalls = arena_alloc(tx->arena, DEVICE_TOUCHED * sizeof(*recalls));
    n = store_recall_between(tx->conn, batch->room.key, from, to, recalls, DEVICE_TOUCHED);
    for (size_t i = 0; i < n; i++)
        touch(tx, batch, &recalls[i]);
    if (batch->noted_to == 0 || (from <= batch->noted_from && to >= batch->noted_to)) {
        batch->noted_from = from;
        batch->noted_to = to;
    }
}

/* The room's last recall up to `seq`; most acks of a batch are of the same room and number. */
static int64_t last_recall(struct core_tx *tx, struct device_acks *batch, int64_t seq)
{
    if (batch->recall_upto != seq) {
        batch->recall_last = store_recall_last_seq(tx->conn, batch->room.key, seq);
        batch->recall_upto = seq;
    }
    return batch->recall_last;
}

void device_ack(struct core_tx *tx, struct device_acks *batch, const struct device_ack *ack)
{
    int64_t seq = ack->seq, end, from;

    if (!find_room(tx, batch, ack->room))
        return;
    end = reach(tx, &batch->room, ack->user);
    if (seq > end)
        seq = end;
    if (seq < 1)
        return;
    from = store_ack_get(tx->conn, tx->app_id, batch->room.key, ack->user, ack->device);
    if (seq > from) {
        /* What retention took from the log is unknown: a note too many harms nothing, as the ledger asks for a recall's own number. */
        const bool covers = seq < batch->room.min_seq || last_recall(tx, batch, seq) > from;

        store_ack_put(tx->conn, tx->app_id, batch->room.key, ack->user, ack->device, seq, tx->now_ms);
        if (covers && ack->can_recall)
            store_ack_log_add(tx->conn, batch->room.key, ack->user, ack->device, from, seq,
                              ack->acked_ms > 0 && ack->acked_ms < tx->now_ms ? ack->acked_ms : tx->now_ms);
        if (covers)
            note(tx, batch, from, seq);
    }
    /* Only recalls have a ledger, so other refusals are not kept; of what the log no longer has, those that this ack covers first. */
    for (size_t i = 0; i < ack->refused_count; i++)
        if (ack->refused[i] >= 1 && ack->refused[i] <= seq &&
            ((ack->refused[i] > from && ack->refused[i] < batch->room.min_seq) ||
             store_recall_last_seq(tx->conn, batch->room.key, ack->refused[i]) == ack->refused[i]))
            store_refused_put(tx->conn, tx->app_id, batch->room.key, ack->user, ack->device, ack->refused[i], tx->now_ms);
}

void device_purge(struct core_tx *tx, int64_t device_days)
{
    const int64_t before_ms = tx->now_ms - 2 * device_days * DAY_MS;

    store_ack_log_purge(tx->conn, before_ms, PURGE_NOTES);
    store_member_past_purge(tx->conn, before_ms, PURGE_NOTES);
}

void device_acks_free(struct device_acks *batch)
{
    free(batch->touched);
    memset(batch, 0, sizeof(*batch));
}
