/*
 * tests/sim/sim.h - a deterministic simulation of the core: rules, log, hubs and cursors under a seeded
 * schedule of steps.
 *
 * Owns:    one struct sim owns everything of a run; a schedule begins with world_begin and ends with
 * world_end, which rolls the database back to what it was. Bounds:  the numbers below; a schedule that
 * reaches one of them does without the step. Fails:   a violated promise is noted once by sim_fail; the
 * schedule ends there. Thread:  one. No sockets, no clock, no randomness but the seed's.
 */
#ifndef RECALLD_TESTS_SIM_H
#define RECALLD_TESTS_SIM_H

#include "base/arena.h"
#include "base/mailbox.h"
#include "bus/bus.h"
#include "core/event.h"
#include "core/hub.h"
#include "core/principal.h"
#include "store/conn.h"

#define SIM_HUBS     3
#define SIM_USERS    4 /* user 0 owns the rooms, user 1 is a manager in them at first */
#define SIM_DEVICES  6
#define SIM_ROOMS    3
#define SIM_MESSAGES 160 /* of one schedule, all rooms */
#define SIM_MARKERS  320
#define SIM_EVENTS   256  /* of one room */
#define SIM_CONNS    96   /* of one schedule */
#define SIM_READS    24   /* under way at a time */
#define SIM_ITEMS    1024 /* on the way to one device */

#define COMMAND_CONTENT_MAX 1100

enum sim_mutation {
    SIM_TRUE, /* none: the core is driven as it must be */
    SIM_READ_FIRST,
    SIM_DROP_NOTICE,
    SIM_SWAP_NOTICES,
    SIM_FAKE_HEAD,
    SIM_REPEAT_PAGE,
    SIM_HOLE_IN_PAGE,
    SIM_FALSE_RESET,
    SIM_MISSING_RESET,
    SIM_BLIND_RECALL,
    SIM_OLD_LEAVE,
    SIM_NO_SECOND,
    SIM_EARLY_DRAIN,
    SIM_PAGE_FOR_ALL,
    SIM_BLIND_AUDIENCE,
    SIM_FAR_UPTO,
    SIM_MUTATIONS
};

/* What a run met, so that one sees whether the rare things happen. */
enum sim_met {
    MET_EVENTS,       /* events handed to connections and checked */
    MET_BLOCKED,      /* sends that blocked */
    MET_DIRECT,       /* sends that asked nobody */
    MET_TOGETHER,     /* calls with frames of several rooms */
    MET_CUT,          /* of those that blocked, in the middle of a frame */
    MET_ABORTED,      /* connections ended because the rest of a cut frame showed a recalled message */
    MET_FELL_OFF,     /* live subscriptions that went back to the log */
    MET_ERASED_PAGES, /* pages delivered after a recall of what they show was heard */
    MET_RESETS,
    MET_REFUSED,
    MET_UNTOLD, /* of them, subscriptions that were answered before */
    MET_JOINED, /* rooms followed because their member joined */
    MET_LEFT,
    MET_LATE,    /* messages that came after their recall */
    MET_LIMITED, /* events with an audience that were handed over */
    MET_PASSED,  /* events that were left out for those whom they are not for */
    MET_SCREENS, /* screens compared with the log */
    MET_COUNT
};

/* A message object as some bytes show it. */
struct shown {
    int message;      /* -1: none */
    int marker;       /* of its content; -1: none */
    int quote;        /* the message that it quotes; -1: none */
    int quote_marker; /* -1: none */
    bool recalled, deleted;
};

/* A frame as a device reads it. The same bytes are read once in a schedule. */
struct parsed {
    struct parsed *next;
    uint64_t hash;
    struct str bytes;
    enum { PARSED_BAD, PARSED_EVENT, PARSED_SIGNAL } kind;
    enum event_type type;
    int room;
    int64_t seq;
    struct shown message, last;
};

struct sim_event {
    enum event_type type;
    int message; /* -1: a room event */
};

struct sim_room {
    char id[16];
    int64_t key;
    int64_t head, min_seq;
    struct sim_event log[SIM_EVENTS]; /* seq 1 at [1] */
    bool member[SIM_USERS];
    bool last_unknown; /* a recall asked lists to stay as they were */
};

enum sim_state { SIM_UNSEEN, SIM_LIVE, SIM_RECALLED };

struct sim_message {
    enum sim_state state;
    int room, author; /* author -1: the platform */
    int marker;       /* of the content now */
    int reply;        /* -1: none */
    bool is_delete;
    bool waits;  /* recalled first, not seen yet */
    int64_t seq; /* of the event that brought it; 0: not yet */
    int64_t recall_seq;
    int audience;   /* limited.c's number; 0: everyone */
    unsigned heard; /* hubs that the notice of its recall has reached, as bits */
};

/* What a device shows of a message. */
struct sim_sight {
    bool present, recalled, buried;
    int marker, quote, quote_marker;
};

/* One room on one device. */
struct sim_screen {
    bool loaded;    /* it shows what the log said up to the cursor */
    int64_t cursor; /* -1: none */
    int last;       /* the conversation's last line; -1: none */
    struct sim_sight sights[SIM_MESSAGES];
};

struct sim_conn;
struct sim_device {
    int user;
    struct sim_conn *conn; /* NULL: offline */
    struct sim_screen screens[SIM_ROOMS];
};

/* What the simulation knows of one room on one connection, beside the hub. */
struct lane {
    bool following;
    bool live; /* the subscription was announced */
    bool was_reset;
    bool stale;       /* another epoch: a reset must come */
    bool fresh;       /* asked for without a cursor: the device loads the room when it is live */
    bool told;        /* its end was told to the client, who may ask again */
    bool lost;        /* it ended for no fault of the client's, who was not told */
    bool must_reset;  /* a page is being delivered that calls for a reset, */
    int64_t reset_at; /* to here */
    int64_t next;     /* the seq that must come next; -1: not known yet */
    uint64_t ticket;  /* of the read under way; 0: none */
    bool intent;      /* SIM_READ_FIRST: to be subscribed in a later step, from intent_since */
    int64_t intent_since;
    struct sim_read *prepared;
};

struct item {
    enum { ITEM_EVENT, ITEM_RESET, ITEM_LIVE } kind;
    int room;
    int64_t seq;
    bool load; /* ITEM_LIVE: without a cursor */
    const struct parsed *parsed;
};

struct sim_conn {
    struct hub_conn hub; /* first */
    struct sim *sim;
    struct sim_device *device;
    int number, at; /* its hub */
    bool open, closing, all;
    bool stuck;    /* the kernel takes nothing more; the hub must know */
    bool clear;    /* what the hub was told of its way */
    unsigned looked; /* in the step before this one */
    bool full;     /* the same, but the hub is told with the rest of what it sends now */
    bool finished; /* the hub gave the rest of `kept` */
    const struct parsed
        *kept; /* a frame that is handed over in part, its bytes from kept_from on not yet; NULL: none */
    size_t kept_from;
    unsigned kept_at; /* the device gets no item from here on before */
    bool all_since;   /* the `all` under way came with cursors */
    int64_t all_cursors[SIM_ROOMS];
    int all_state; /* 0: none under way, 1: not read yet, 2: read */
    bool all_found[SIM_ROOMS];
    int64_t all_joined[SIM_ROOMS];
    struct lane lanes[SIM_ROOMS];
    struct item items[SIM_ITEMS];
    unsigned item_from, item_to;
};

struct sim_read {
    enum { READ_FREE, READ_QUEUED, READ_DONE } state;
    int hub, user, room;
    int64_t after;
    uint64_t ticket;
    struct sim_conn *conn; /* whose it was; it may have closed since */
    int64_t head, min_seq; /* true, whatever a mutation makes of the page */
    struct hub_page page;
};

struct sim_hub {
    struct sim *sim;
    int number;
    struct hub *hub;
    struct mailbox *box;
    bool woken;
    bool retries; /* a read could not be started, or failed, since it was last told of a second */
    int64_t heard[SIM_ROOMS];
    struct frame *held; /* SIM_SWAP_NOTICES */
};

struct sim_failure {
    bool failed;
    unsigned step;
    char kind[48];
    char text[400];
};

struct sim {
    uint64_t seed, rng;
    unsigned steps, step;
    const bool *skip; /* by step; NULL: none */
    enum sim_mutation mutation;
    bool trace, calm; /* calm: nothing blocks any more */
    int64_t now_ms;
    struct sim_failure failure;

    struct store_conn conn;
    struct config *config;
    const struct config_app *app;
    int64_t app_id;
    struct bus *bus;
    struct mailbox *recorder;
    struct outcome out;
    struct arena arena; /* of the schedule */
    struct parsed *parsed[256];
    char dir[64];

    /* how this schedule is */
    int hub_count, device_count, room_count;
    unsigned block_one_in; /* 0: never */
    bool crowd;            /* everyone in one room on one hub */
    unsigned weights[32];
    unsigned weight_sum;

    struct sim_hub hubs[SIM_HUBS];
    struct sim_room rooms[SIM_ROOMS];
    struct sim_room rooms_at_first[SIM_ROOMS];
    struct sim_message messages[SIM_MESSAGES];
    int message_count;
    int marker_of[SIM_MARKERS]; /* the message that a marker belongs to */
    int marker_count;
    struct sim_device devices[SIM_DEVICES];
    struct sim_conn conns[SIM_CONNS];
    int conn_count;
    struct sim_read reads[SIM_READS];
    uint64_t met[MET_COUNT];
    uint64_t digest; /* of every byte that was handed over, in order: the same seed gives the same */
};

/* --- sim.c --- */
extern const char *const sim_users[SIM_USERS];
uint64_t sim_random(struct sim *s);
/* 0 to n - 1; n at least 1. */
unsigned sim_pick(struct sim *s, unsigned n);
bool sim_chance(struct sim *s, unsigned one_in); /* 0: never */
void sim_trace(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `kind` says which promise was broken; the first failure of a schedule counts. */
void sim_fail(struct sim *s, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- world.c: the database and what a schedule begins with --- */
bool world_open(struct sim *s);
void world_close(struct sim *s);
void world_begin(struct sim *s);
void world_end(struct sim *s);
struct core_tx world_tx(struct sim *s, bool write);
struct str world_room(const struct sim *s, int room);
int world_room_number(const struct sim *s, struct str id);
/* The number of a message by its id; -1 if it is none of ours. */
int world_message_number(struct str id);

/* --- command.c: what is committed. Steps; false: there was nothing to do --- */
bool command_send(struct sim *s);
bool command_edit(struct sim *s);
bool command_recall(struct sim *s);
bool command_recall_first(struct sim *s);
bool command_late(struct sim *s);
bool command_delete(struct sim *s);
bool command_join(struct sim *s);
bool command_leave(struct sim *s);
bool command_role(struct sim *s);
bool command_read(struct sim *s);
bool command_trim(struct sim *s);
/* Some commands in a transaction that is rolled back. */
bool command_lost(struct sim *s);
/* Asks for histories and rooms and looks for what must not be there. */
bool command_look(struct sim *s);
/* Makes the effects of what ran since the last call visible, as a commit does. */
void command_commit(struct sim *s);
/* Writes an event that was committed into the truth. */
void command_record(struct sim *s, const struct notice *notice);

/* For limited.c: no more fits; a message that was not sent yet; new content for it (its marker), which nothing else has. */
bool command_full(const struct sim *s, int room);
int command_new(struct sim *s, int room);
int command_content(struct sim *s, int number, char body[static COMMAND_CONTENT_MAX], char fields[static 64]);
/* The end of a step that did something. */
bool command_end(struct sim *s);

/* --- limited.c: messages that are for some users alone --- */
/* Gives the users their tags; once, before the first schedule. */
bool limited_fill(struct sim *s);
/* A step: sends one. */
bool limited_send(struct sim *s);
/* May the user see message `number`, and event `seq` of the room? As the truth has it, which asks neither the core nor the store. */
bool limited_sees(const struct sim *s, int user, int number);
bool limited_sees_event(const struct sim *s, int user, int room, int64_t seq);
/* The first event from `seq` on that is for the user; one behind the head: none. */
int64_t limited_next(const struct sim *s, int user, int room, int64_t seq);
/* Does a message that quotes `number` show it? */
bool limited_quoted(const struct sim *s, const struct sim_message *m, int number);
/* The first content in the text of a message that is not for the user; -1: none. */
int limited_shown(const struct sim *s, struct str text, int user);

/* --- ops.c: what the hub asks, and the checks of what it hands over --- */
extern const struct hub_ops ops_hub;
/* The connection takes bytes again. */
void ops_drain(struct sim *s, struct sim_conn *c);

/* --- follow.c: the hub's owner, as gateway/api/session_*.c is --- */
void follow_connect(struct sim *s, struct sim_device *d);
void follow_subscribe(struct sim *s, struct sim_conn *c, int room, int64_t since, bool stale);
void follow_unsubscribe(struct sim *s, struct sim_conn *c, int room);
void follow_all(struct sim *s, struct sim_conn *c, bool with_cursors);
/* The next step of an `all` under way: its read of the rooms, then the subscriptions. */
void follow_all_go_on(struct sim *s, struct sim_conn *c);
/* The connection is closing; follow_close then ends it. */
void follow_stop(struct sim *s, struct sim_conn *c);
void follow_close(struct sim *s, struct sim_conn *c);
void follow_notice(struct bus_notice *notice, void *ctx);
/* Subscribes where SIM_READ_FIRST has read already. */
void follow_intents(struct sim *s, struct sim_conn *c);
/* The next notice of the hub's; false: there is none. */
bool follow_mail(struct sim *s, struct sim_hub *h);

/* --- step.c: what may happen --- */
void step_choose_weights(struct sim *s);
/* Most devices are there from the beginning. */
void step_arrive(struct sim *s);
void step_run(struct sim *s);

/* --- page.c: reads of the log --- */
bool page_ask(struct sim *s, struct sim_conn *c, int room, int64_t after, uint64_t ticket);
void page_run(struct sim *s, struct sim_read *r);
void page_deliver(struct sim *s, struct sim_read *r);
void page_drop(struct sim_read *r);
/* Some read in the state, or NULL. */
struct sim_read *page_some(struct sim *s, int state);

/* --- shown.c: bytes read as a client reads them --- */
/* The frame that begins at bytes.p, and how long it is with its header. */
const struct parsed *shown_frame(struct sim *s, struct str bytes, size_t *size);
/* The first marker in the text from *from on, which moves behind it; -1: none. */
int shown_marker(const struct sim *s, struct str text, size_t *from);
/* The first content of a recalled message in the text whose recall came before `seq` (0: any); -1: none. */
int shown_recalled(const struct sim *s, struct str text, int64_t seq);

/* The first content in the text of a message of whose recall the hub has heard; -1: none. */
int shown_heard(const struct sim *s, struct str text, int hub);

/* --- device.c: a client's screen --- */
void device_apply(struct sim *s, struct sim_conn *c, unsigned n);
void device_reload(struct sim *s, struct sim_device *d, int room);
void device_compare(struct sim *s, const struct sim_device *d, int room);

/* --- check.c: when everything has come to rest --- */
/* A hub that asks for no turn: has everybody what it heard of? */
void check_hub(struct sim *s, const struct sim_hub *h);
void check_settle(struct sim *s);
void check_end(struct sim *s);

#endif
