/* Opening the store: made from nothing and kept, refused with a sentence that says what to do. */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void refuses(struct fixture *f, const char *sentence)
{
    assert_null(fixture_open(f, NULL));
    if (strstr(f->error, sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->error, sentence);
}

static void alter(const struct fixture *f, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void made_from_nothing_and_kept(void **state)
{
    struct fixture f;
    char epoch[64];
    struct stat st;

    (void)state;
    fixture_start(&f);
    assert_int_equal(stat(f.file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(epoch, sizeof(epoch), "%.*s", (int)store_epoch(f.store).n, store_epoch(f.store).p);
    assert_true(strlen(epoch) >= 6);
    fixture_restart(&f);
    ASSERT_STR(store_epoch(f.store), epoch);
    fixture_free(&f);
}

static void a_second_open_is_refused(void **state)
{
    struct fixture f, again;

    (void)state;
    fixture_start(&f);
    again = f;
    refuses(&again, "in use by another recalld");
    assert_non_null(strstr(again.error, ".lock"));
    fixture_restart(&f); /* the refused one has not taken anything away */
    fixture_free(&f);
}

static void strange_files_are_refused(void **state)
{
    struct fixture f;
    FILE *file;

    (void)state;
    fixture_start(&f);
    store_close(f.store);
    alter(&f, "UPDATE meta SET value = '999' WHERE name = 'schema'");
    refuses(&f, "newer recalld (schema 999");
    assert_int_equal(unlink(f.file), 0);
    alter(&f, "CREATE TABLE shop (goods)");
    refuses(&f, "another program");
    file = fopen(f.file, "wb");
    assert_non_null(file);
    for (int i = 0; i < 500; i++)
        fputs("certainly no database", file);
    fclose(file);
    refuses(&f, "is not a database");
    assert_int_equal(unlink(f.file), 0);
    assert_int_equal(mkdir(f.file, 0700), 0);
    refuses(&f, "is a folder");
    assert_int_equal(rmdir(f.file), 0);
    snprintf(f.uri, sizeof(f.uri), "sqlite:%s.lock/x/recall.db", f.file);
    refuses(&f, "recall.db.lock");
    snprintf(f.uri, sizeof(f.uri), "oracle:%s", f.file);
    refuses(&f, "\"oracle:\" is not supported");
    fixture_free(&f);
}

static void a_folder_without_write_permission_is_refused(void **state)
{
    struct fixture f;
    int status;
    pid_t child;

    (void)state;
    fixture_make(&f);
    assert_int_equal(chmod(f.dir, 0555), 0);
    child = fork();
    if (child == 0) {
        char error[256] = "";
        const struct store_options options = {.uri = f.uri};

        /* root may write anywhere: become nobody */
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(3);
        if (store_open(&options, error, sizeof(error)) != NULL)
            _exit(4);
        _exit(strstr(error, "cannot be created") != NULL ? 0 : 5);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_from_nothing_and_kept),
        cmocka_unit_test(a_second_open_is_refused),
        cmocka_unit_test(strange_files_are_refused),
        cmocka_unit_test(a_folder_without_write_permission_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
