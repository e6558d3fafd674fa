#include "api/rc.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define CALL(path, where, parse, run) {"POST", path, CALL_RONGCLOUD, where, CALL_FORM, false, parse, run, NULL}
#define WRITE(path, parse, run) CALL(path, CALL_WRITE, parse, run)
#define READ(path, parse, run) CALL(path, CALL_READ, parse, run)

static const struct call_route routes[] = {
    WRITE("/message/recall.json", rc_recall_parse, rc_recall),
    WRITE("/message/broadcast/recall.json", rc_recall_broadcast_parse, rc_recall),
    WRITE("/message/private/publish.json", rc_publish_private_parse, rc_publish),
    WRITE("/message/group/publish.json", rc_publish_group_parse, rc_publish),
    WRITE("/message/chatroom/publish.json", rc_publish_chatroom_parse, rc_publish),
    WRITE("/message/system/publish.json", rc_publish_system_parse, rc_publish),
    WRITE("/message/broadcast.json", rc_publish_broadcast_parse, rc_publish),
    WRITE("/push.json", rc_push_parse, rc_push),
    WRITE("/user/getToken.json", rc_user_token_parse, rc_user_token),
    WRITE("/user/refresh.json", rc_user_refresh_parse, rc_user_refresh),
    READ("/user/checkOnline.json", rc_user_online_parse, rc_user_online),
    WRITE("/user/tag/set.json", rc_tag_set_parse, rc_tag_set),
    WRITE("/user/tag/batch/set.json", rc_tag_set_batch_parse, rc_tag_set),
    READ("/user/tags/get.json", rc_tag_get_parse, rc_tag_get),
    WRITE("/group/create.json", rc_group_create_parse, rc_group_create),
    WRITE("/group/join.json", rc_group_join_parse, rc_group_join),
    WRITE("/group/quit.json", rc_group_quit_parse, rc_group_quit),
    WRITE("/group/dismiss.json", rc_group_dismiss_parse, rc_group_dismiss),
    WRITE("/group/refresh.json", rc_group_refresh_parse, rc_group_refresh),
    READ("/group/user/query.json", rc_group_users_parse, rc_group_users),
    WRITE("/chatroom/create.json", rc_chatroom_create_parse, rc_chatroom_create),
    WRITE("/chatroom/create_new.json", rc_chatroom_create_new_parse, rc_chatroom_create),
    WRITE("/chatroom/destroy.json", rc_chatroom_destroy_parse, rc_chatroom_destroy),
    READ("/message/history.json", rc_history_link_parse, rc_history_link),
    {"POST", "/message/history/delete.json", CALL_RONGCLOUD, CALL_HERE, CALL_FORM, false, rc_history_delete_parse, NULL,
     rc_history_delete},
    READ("/v3/message/private/query.json", rc_query_private_parse, rc_query),
    READ("/v3/message/group/query.json", rc_query_group_parse, rc_query),
    READ("/v3/message/chatroom/query.json", rc_query_chatroom_parse, rc_query),
    /* The link of a history log: its path is its key. */
    {"GET", "/history/:file", CALL_OPEN, CALL_READ, CALL_NO_BODY, false, rc_history_zip_parse, rc_history_zip, NULL},
};

const struct call_route *rc_route(size_t i)
{
    return i < COUNT(routes) ? &routes[i] : NULL;
}
