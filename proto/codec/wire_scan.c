#include "proto/codec/wire_scan.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const char *text, size_t i, size_t len)
{
    while (i < len && is_space(text[i]))
        i++;
    return i;
}

/* `i` is behind an opening quote; returns the place of the closing one, or len. */
static size_t skip_string(struct wire_scan *s, const char *text, size_t i, size_t len)
{
    while (i < len && text[i] != '"') {
        if (text[i] == '\\') {
            if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
                s->nul = true;
            i++;
        }
        if (i < len)
            i++;
    }
    return i;
}

/* `i` is behind the text "id" of the outer object: if a colon and a whole number follow, that is the id. */
static void read_id(struct wire_scan *s, const char *text, size_t i, size_t len)
{
    int64_t v = 0;
    bool minus = false;
    size_t digits = 0;

    i = skip_space(text, i, len);
    if (i == len || text[i] != ':')
        return; /* a value, not a key */
    s->has_id = false;
    i = skip_space(text, i + 1, len);
    if (i < len && text[i] == '-') {
        minus = true;
        i++;
    }
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        if (++digits > 15)
            return;
        v = v * 10 + (text[i] - '0');
    }
    i = skip_space(text, i, len);
    if (digits == 0 || i == len || (text[i] != ',' && text[i] != '}'))
        return;
    s->has_id = true;
    s->id = minus ? -v : v;
}

void wire_scan(struct wire_scan *s, const char *text, size_t len)
{
    size_t depth = 0;
    size_t end;
    size_t i = skip_space(text, 0, len);

    *s = (struct wire_scan){.object = i < len && text[i] == '{'};
    for (; i < len; i++) {
        switch (text[i]) {
        case '{':
        case '[':
            if (++depth > s->depth)
                s->depth = depth;
            break;
        case '}':
        case ']':
            if (depth > 0)
                depth--;
            break;
        case '"':
            end = skip_string(s, text, i + 1, len);
            if (depth == 1 && end - i == 3 && memcmp(text + i, "\"id", 3) == 0)
                read_id(s, text, end + 1 > len ? len : end + 1, len);
            i = end;
            break;
        default:
            break;
        }
    }
}
