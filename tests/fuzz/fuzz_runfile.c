/* libFuzzer target of the run file parser: must not crash, and what it accepts must survive being written and read.
 * Bytes 0xFF (never in UTF-8) split the input: the run file first, then up to four --set overrides. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "read/runfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct sk_parameters *parameters)
{
    static struct sk_parameters again;
    struct sk_error err;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return;
    sk_runfile_write(out, parameters);
    fclose(out);
    SK_REQUIRE(sk_runfile_parse(text, length, "/other/folder/b.ini", NULL, 0, &again, &err) == SK_OK);
    SK_REQUIRE(memcmp(parameters, &again, sizeof again) == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sk_parameters parameters;
    struct sk_override overrides[4];
    struct sk_error err;
    int n = 0;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *end = memchr(text, 0xFF, size);
    size_t length = end ? (size_t)(end - text) : size;
    while (end && n < 4) {
        *end = '\0';
        overrides[n++].text = end + 1;
        end = memchr(end + 1, 0xFF, size - (size_t)(end + 1 - text));
    }
    if (end)
        *end = '\0';
    err.message[0] = '\0';
    enum sk_code code = sk_runfile_parse(text, length, "/fuzz/run.ini", overrides, n, &parameters, &err);
    if (code == SK_OK)
        round_trip(&parameters);
    else
        SK_REQUIRE(code == SK_EINPUT && err.code == code && err.message[0]);
    free(text);
    return 0;
}
