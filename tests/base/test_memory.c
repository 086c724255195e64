/* Facts checked: alignment, content, growth and the documented way out when memory ends. */
#include "base/memory.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifdef __SANITIZE_ADDRESS__
/* Lets the out-of-memory test see what the engine does, not what the sanitizer does. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

static void test_alloc(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 7) {
        unsigned char *p = sk_alloc(n, 3), *q = sk_calloc(n, 3);
        assert_non_null(p);
        assert_true((uintptr_t)p % 64 == 0 && (uintptr_t)q % 64 == 0);
        memset(p, 0xa5, 3 * n);
        for (size_t i = 0; i < 3 * n; i++)
            assert_true(q[i] == 0 && p[i] == 0xa5);
        sk_free(&p);
        sk_free(&q);
        assert_null(p);
        assert_null(q);
        sk_free(&p); /* NULL-safe */
    }
}

static void test_calloc_clears_used_memory(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        int *p = sk_calloc(1000, sizeof *p);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, 1000 * sizeof *p);
        sk_free(&p);
    }
}

static void test_reserve_grows(void **state)
{
    (void)state;
    int64_t *array = NULL;
    size_t capacity = 0;
    int growths = 0;
    for (size_t n = 0; n < 100000; n++) {
        size_t before = capacity;
        int64_t *old = array;
        sk_reserve(&array, &capacity, n + 1);
        assert_true(capacity >= n + 1 && (uintptr_t)array % 64 == 0);
        if (capacity != before) {
            growths++;
            assert_true(capacity >= before + before / 2);
        } else {
            assert_ptr_equal(array, old);
        }
        array[n] = (int64_t)(n * n);
    }
    assert_in_range(growths, 1, 40); /* log(1e5) / log(1.5) = 28 */
    for (size_t n = 0; n < 100000; n++)
        assert_true(array[n] == (int64_t)(n * n));
    size_t most = capacity;
    sk_reserve(&array, &capacity, 5); /* never shrinks */
    assert_true(capacity == most && array[4] == 16);
    sk_reserve(&array, &capacity, 10 * most); /* a jump is taken at once */
    assert_true(capacity >= 10 * most && array[99999] == 99999ll * 99999);
    sk_free(&array);
}

static void test_reserve_nothing(void **state)
{
    (void)state;
    char *array = NULL;
    size_t capacity = 0;
    sk_reserve(&array, &capacity, 0);
    assert_null(array);
    assert_int_equal(capacity, 0);
}

/* Exit code of a child that asks for count x size bytes; its stderr comes back in text. */
static int exit_code_of_alloc(size_t count, size_t size, char *text, size_t room)
{
    int channel[2], status = 0;
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(channel[1], 2);
        char *volatile p = sk_alloc(count, size);
        _exit(p ? 0 : 1);
    }
    close(channel[1]);
    ssize_t n, total = 0;
    while ((n = read(channel[0], text + total, room - 1 - (size_t)total)) > 0)
        total += n;
    text[total] = 0;
    close(channel[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    char text[1 << 16]; /* a sanitizer prints its own lines first */
    assert_int_equal(exit_code_of_alloc(10, 10, text, sizeof text), 0);
    assert_int_equal(exit_code_of_alloc(SIZE_MAX / 4, 8, text, sizeof text), 3); /* the product overflows */
    assert_non_null(strstr(text, "cannot allocate"));
    assert_int_equal(exit_code_of_alloc((size_t)1 << 60, 1, text, sizeof text), 3); /* nobody has it */
    assert_non_null(strstr(text, "1152921504606846976 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),         cmocka_unit_test(test_calloc_clears_used_memory),
        cmocka_unit_test(test_reserve_grows), cmocka_unit_test(test_reserve_nothing),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
