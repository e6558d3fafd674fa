#include "base/result.h"

#include <stddef.h>

struct outcome {
    const char *text;
    int status;
    const char *imkit;
};

static const struct outcome outcomes[RESULT_COUNT] = {
    [RESULT_OK] = {"OK", 200, "OK"},
    [RESULT_MISSING_PARAMETER] = {"A required field is missing.", 400, "MISSING_PARAMETER"},
    [RESULT_INVALID_BODY] = {"A field has the wrong type, size or value.", 400, "INVALID_BODY"},
    [RESULT_INVALID_AUTH] =
        {"Credentials are missing: send IM-API-KEY, or IM-CLIENT-KEY and IM-Authorization.", 401,
         "INVALID_AUTH"},
    [RESULT_INVALID_TOKEN] = {"The token is not valid, has expired or was revoked.", 401, "INVALID_TOKEN"},
    [RESULT_INVALID_API_KEY] = {"The platform key is not valid.", 401, "INVALID_API_KEY"},
    [RESULT_INVALID_CLIENT_KEY] = {"The client key is not valid.", 401, "INVALID_CLIENT_KEY"},
    [RESULT_NOT_MEMBER] = {"The room does not exist, or the caller is not a member of it.", 403,
                           "NOT_ROOM_MEMBER"},
    [RESULT_FORBIDDEN] = {"The caller is not permitted to do this.", 403, "INSUFFICIENT_PERMISSION"},
    [RESULT_NO_ROOM] = {"There is no such room.", 404, "ROOM_NOT_FOUND"},
    [RESULT_NO_MESSAGE] = {"There is no such message in the room.", 404, "MESSAGE_NOT_FOUND"},
    [RESULT_NO_CLIENT] = {"There is no such client.", 404, "CLIENT_NOT_FOUND"},
    [RESULT_NO_CALL] = {"There is no such call: check path and method.", 404, "INVALID_BODY"},
    [RESULT_BAD_METHOD] = {"The call exists, but not with this method.", 405, "INVALID_BODY"},
    [RESULT_CONFLICT] = {"The message's state forbids this: it has been recalled.", 409,
                         "INSUFFICIENT_PERMISSION"},
    [RESULT_TOO_LARGE] = {"The request is larger than this server accepts.", 413, "RESULT_TOO_LARGE"},
    [RESULT_RATE_LIMITED] = {"Too many requests: wait and try again.", 429, "RATE_LIMIT_EXCEEDED"},
    [RESULT_INTERNAL] = {"The server failed to do this; nothing was changed.", 500, "INTERNAL_ERROR"},
    [RESULT_UNAVAILABLE] = {"The server cannot take this now: try again shortly.", 503,
                            "SERVICE_UNAVAILABLE"},
};

/* A value from outside the list is a fault of ours, and told as one. */
static const struct outcome *outcome_of(enum result r)
{
    if ((unsigned)r >= RESULT_COUNT || outcomes[r].text == NULL) {
        return &outcomes[RESULT_INTERNAL];
    }
    return &outcomes[r];
}

const char *result_text(enum result r)
{
    return outcome_of(r)->text;
}

int result_status(enum result r)
{
    return outcome_of(r)->status;
}

const char *result_imkit_code(enum result r)
{
    return outcome_of(r)->imkit;
}
