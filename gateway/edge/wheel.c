#include "edge/wheel.h"

#include <stddef.h>

static void list_init(struct wheel_node *head)
{
    head->next = head;
    head->prev = head;
}

static void list_add(struct wheel_node *head, struct wheel_node *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

void wheel_init(struct wheel *w, int64_t now_ms)
{
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
    w->tick = now_ms / WHEEL_TICK_MS;
}

void wheel_clear(struct wheel_node *node)
{
    if (node->next == NULL)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = NULL;
    node->prev = NULL;
}

bool wheel_armed(const struct wheel_node *node)
{
    return node->next != NULL;
}

void wheel_set(struct wheel *w, struct wheel_node *node, int64_t due_ms)
{
    /* Rounded up, so that a node never fires before its time. */
    int64_t tick = due_ms / WHEEL_TICK_MS + 1;

    wheel_clear(node);
    node->due = due_ms;
    if (tick <= w->tick)
        tick = w->tick + 1;
    list_add(&w->slots[(uint64_t)tick % WHEEL_SLOTS], node);
}

void wheel_set_earlier(struct wheel *w, struct wheel_node *node, int64_t due_ms)
{
    if (node->next == NULL || due_ms < node->due)
        wheel_set(w, node, due_ms);
}

/* The nodes of one list go to the end of another. */
static void list_move(struct wheel_node *from, struct wheel_node *to)
{
    if (from->next == from)
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

void wheel_each(struct wheel *w, void (*visit)(struct wheel_node *node))
{
    struct wheel_node all;

    list_init(&all);
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_move(&w->slots[i], &all);
    while (all.next != &all) {
        struct wheel_node *node = all.next;

        wheel_set(w, node, node->due);
        visit(node);
    }
}

void wheel_advance(struct wheel *w, int64_t now_ms, void (*fire)(struct wheel_node *node, int64_t now_ms))
{
    int64_t now_tick = now_ms / WHEEL_TICK_MS;

    /* After a pause longer than one turn (a suspended machine) each slot needs one visit only. */
    if (now_tick - w->tick > WHEEL_SLOTS)
        w->tick = now_tick - WHEEL_SLOTS;
    while (w->tick < now_tick) {
        struct wheel_node due;
        struct wheel_node *head = &w->slots[(uint64_t)++w->tick % WHEEL_SLOTS];

        /* The slot's nodes move to a list of their own: what `fire` sets anew does not come round again in
         * this visit. */
        list_init(&due);
        list_move(head, &due);
        while (due.next != &due) {
            struct wheel_node *node = due.next;
            int64_t when = node->due;

            wheel_clear(node);
            if (when > now_ms)
                wheel_set(w, node, when);
            else
                fire(node, now_ms);
        }
    }
}
