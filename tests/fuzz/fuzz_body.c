/* The JSON body of a send or a recall: read or refused with a sentence that names what is wrong. */
#include "api/imkit_body.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fields_error err = {.text = ""};
    struct message_command message;
    struct recall_command recall;
    struct arena arena = {NULL, NULL};
    json_t *root = fields_parse(str_n((const char *)data, size), true, &err);

    if (root == NULL && err.text[0] == '\0')
        abort();
    if (json_is_object(root)) {
        const bool ok = imkit_body_is_recall(root) ? imkit_body_recall(root, &arena, &recall, &err)
                                                   : imkit_body_message(root, &arena, &message, &err);

        if (!ok && err.text[0] == '\0')
            abort();
    }
    json_decref(root);
    arena_free(&arena);
    return 0;
}
