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
        if (head->next == head)
            continue;
        due.next = head->next;
        due.prev = head->prev;
        due.next->prev = &due;
        due.prev->next = &due;
        list_init(head);
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
