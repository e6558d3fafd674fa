/* A form of RongCloud's dialect, encoded or not: any bytes give pairs of texts, or a sentence. */
#include "api/rc_form.h"
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text(struct str s)
{
    if (s.p == NULL || !text_utf8_valid(s.p, s.n) || (s.n != 0 && memchr(s.p, '\0', s.n) != NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[] = {"extra", "content", "isAdmin", NULL};
    char *p = malloc(size + 1); /* of the exact size, so that a byte too many is seen */
    struct rc_form_error err = {.text = ""};
    struct arena arena = {NULL, NULL};
    struct rc_form form;
    struct str key, value;
    size_t total = 0, at = 0;

    if (p == NULL)
        return 0;
    memcpy(p, data, size);
    if (rc_form_parse(&arena, str_n(p, size), known, &form, &err)) {
        for (size_t i = 0; i < form.n; i++) {
            text(form.pairs[i].name);
            text(form.pairs[i].value);
            total += form.pairs[i].name.n + form.pairs[i].value.n;
        }
        if (form.n > RC_FORM_PAIRS || total > size)
            abort(); /* decoding never makes text longer */
        while (rc_form_next(&form, "toUserId", &at, &value))
            text(value);
        for (at = 0; rc_form_next_keyed(&form, "chatroom", &at, &key, &value);)
            text(key);
        (void)rc_form_get(&form, "extra");
    } else if (err.text[0] == '\0') {
        abort();
    }
    arena_free(&arena);
    free(p);
    return 0;
}
