/*
 * gateway/base/result.h - the one list of outcomes.
 *
 * Owns nothing, allocates nothing, never fails; any thread.
 *
 * Each value has a text for people (result_text), the HTTP status that tells it (result_status) and the code of the
 * IMKit envelope (result_imkit_code). RongCloud's numbers are its dialect's own matter (api/rongcloud).
 */
#ifndef RECALLD_BASE_RESULT_H
#define RECALLD_BASE_RESULT_H

enum result {
    RESULT_OK = 0,
    RESULT_MISSING_PARAMETER,  /* 400: a required field is absent */
    RESULT_INVALID_BODY,       /* 400: a field has the wrong type, size or value; or no such call (404) */
    RESULT_INVALID_AUTH,       /* 401: no usable credentials at all */
    RESULT_INVALID_TOKEN,      /* 401 */
    RESULT_INVALID_API_KEY,    /* 401 */
    RESULT_INVALID_CLIENT_KEY, /* 401 */
    RESULT_NOT_MEMBER,         /* 403 NOT_ROOM_MEMBER */
    RESULT_FORBIDDEN,          /* 403 INSUFFICIENT_PERMISSION */
    RESULT_NO_ROOM,            /* 404 ROOM_NOT_FOUND */
    RESULT_NO_MESSAGE,         /* 404 MESSAGE_NOT_FOUND */
    RESULT_NO_CLIENT,          /* 404 CLIENT_NOT_FOUND */
    RESULT_NO_CALL,            /* 404: no such path */
    RESULT_BAD_METHOD,         /* 405 */
    RESULT_CONFLICT,           /* 409: the state forbids it (a recalled message cannot be edited) */
    RESULT_TOO_LARGE,          /* 413 */
    RESULT_RATE_LIMITED,       /* 429, with a time to wait */
    RESULT_INTERNAL,           /* 500 */
    RESULT_UNAVAILABLE,        /* 503: overloaded, draining, or the store does not take writes; try again */
    RESULT_COUNT
};

/* A short text for people, static. */
const char *result_text(enum result r);
/* The HTTP status, 200 to 503. */
int result_status(enum result r);
/* The code of IMKit's error object, static; "OK" for RESULT_OK. */
const char *result_imkit_code(enum result r);

#endif
