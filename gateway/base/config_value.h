/*
 * gateway/base/config_value.h - one value of a setting: parsed, checked, stored, compared; for base/config*.c
 * alone.
 *
 * Owns:    a value belongs to the section (struct config_server or config_app) that it was set in.
 * Fails:   with a sentence without place or name in `why`; the caller puts those before it. Secrets are never
 *          repeated in it.
 * Thread:  one at a time for a section.
 */
#ifndef RECALLD_BASE_CONFIG_VALUE_H
#define RECALLD_BASE_CONFIG_VALUE_H

#include "base/config_table.h"

#define CONFIG_VALUE_WHY 160

/* Parses, checks and stores one value in `section`, freeing the one before. */
bool config_value_set(void *section, const struct config_table_setting *setting, const char *value,
                      char why[static CONFIG_VALUE_WHY]);
/* Stores every default. False without memory. */
bool config_value_defaults(void *section, const struct config_table *table);
/* Frees every value. */
void config_value_release(void *section, const struct config_table *table);
/* Whether two sections hold the same value. */
bool config_value_same(const void *a, const void *b, const struct config_table_setting *setting);

/* Writes an origin in the form that is compared: lower case, no default port, no slash at the end. `out` has
 * room for `len` + 1 bytes. False if it is not scheme://host[:port]. */
bool config_origin_normal(const char *origin, size_t len, char *out);

#endif
