#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/partition.h"
#include "base/json.h"

#define LONGEST 16384 /* bytes of a calibration file */

/* One number of the file. */
struct entry {
    const char *key;
    size_t offset;      /* of a double in struct partition_constants */
    double least, most; /* what is sane */
    bool may_be_null;   /* measured with a run file only */
};
#define AT(member) offsetof(struct partition_constants, member)
static const struct entry entries[] = {
    {"message_ns", AT(message), 1e-3, 1e9, false},
    {"byte_ns", AT(byte), 0, 1e6, false},
    {"reduce_ns", AT(reduce), 1e-3, 1e9, false},
    {"handover_ns", AT(handover), 0, 1e9, false},
    {"pair_ns", AT(pair), 1e-6, 1e6, true},
    {"atom_ns", AT(atom), 1e-6, 1e9, true},
    {"cell_ns", AT(cell), 0, 1e9, true},
    {"ghost_ns", AT(ghost), 0, 1e9, true},
    {"crowd", AT(crowd), 1, 1e3, true},
    {"atoms_per_cell", AT(atoms_per_cell), 1e-9, 1e9, true},
    {"pairs_per_atom", AT(pairs_per_atom), 0, 1e9, true},
};
enum { ENTRIES = sizeof entries / sizeof entries[0] };

static double *place_of(struct partition_constants *constants, const struct entry *entry)
{
    return (double *)(void *)((char *)constants + entry->offset);
}

/* What is read so far. */
struct reading {
    const char *path, *at;
    struct partition_constants *constants;
    bool has[ENTRIES];
    struct sk_error *err;
};

static void skip_space(struct reading *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool take_mark(struct reading *r, char mark)
{
    skip_space(r);
    if (*r->at != mark)
        return false;
    r->at++;
    return true;
}

/* A string without the escapes that it may have: keys have none. */
static bool take_text(struct reading *r, char *text, size_t size)
{
    size_t length = 0;
    if (!take_mark(r, '"'))
        return false;
    for (; *r->at && *r->at != '"'; r->at++) {
        if (*r->at == '\\' && r->at[1])
            r->at++;
        if (length + 1 < size)
            text[length++] = *r->at;
    }
    text[length] = 0;
    return take_mark(r, '"');
}

static enum sk_code refuse(struct reading *r, const char *key, double value, double least, double most)
{
    return sk_fail(r->err, SK_EINPUT, "%s: %s = %g is out of range; it should be between %g and %g", r->path, key,
                   value, least, most);
}

static enum sk_code take_number(struct reading *r, const char *key, double value)
{
    struct partition_constants *c = r->constants;
    for (int e = 0; e < ENTRIES; e++)
        if (strcmp(key, entries[e].key) == 0) {
            if (!(value >= entries[e].least && value <= entries[e].most))
                return refuse(r, key, value, entries[e].least, entries[e].most);
            *place_of(c, &entries[e]) = value;
            r->has[e] = true;
        }
    if (strcmp(key, "cores") != 0 && strcmp(key, "processes") != 0)
        return SK_OK;
    if (!(value >= 1 && value <= PARTITION_RANKS && value == floor(value)))
        return refuse(r, key, value, 1, PARTITION_RANKS);
    *(strcmp(key, "cores") == 0 ? &c->cores : &c->processes) = (int)value;
    return SK_OK;
}

static enum sk_code take_item(struct reading *r)
{
    char key[64], *end;
    if (!take_text(r, key, sizeof key) || !take_mark(r, ':'))
        return sk_fail(r->err, SK_EINPUT, "%s is not a calibration: no JSON object of names and numbers", r->path);
    skip_space(r);
    if (*r->at == '"') {
        char text[sizeof r->constants->run_file];
        if (!take_text(r, text, sizeof text))
            return sk_fail(r->err, SK_EINPUT, "%s is not a calibration: %s does not end", r->path, key);
        if (strcmp(key, "run_file") == 0)
            memcpy(r->constants->run_file, text, sizeof text);
        return SK_OK;
    }
    if (strncmp(r->at, "null", 4) == 0) {
        r->at += 4;
        return SK_OK;
    }
    double value = strtod(r->at, &end);
    if (end == r->at)
        return sk_fail(r->err, SK_EINPUT, "%s: %s is not a number", r->path, key);
    r->at = end;
    return take_number(r, key, value);
}

static enum sk_code take_object(struct reading *r)
{
    enum sk_code code = SK_OK;
    if (!take_mark(r, '{'))
        return sk_fail(r->err, SK_EINPUT, "%s is not a calibration: no JSON object", r->path);
    do
        code = take_item(r);
    while (!code && take_mark(r, ','));
    if (!code && !take_mark(r, '}'))
        return sk_fail(r->err, SK_EINPUT, "%s is not a calibration: the JSON object does not end", r->path);
    for (int e = 0; e < ENTRIES && !code; e++)
        if (!r->has[e])
            code = sk_fail(r->err, SK_EINPUT,
                           entries[e].may_be_null ? "%s has no %s: it was made without a run file; run mpirun -n 2 "
                                                    "skein partition FILE.ini --calibrate"
                                                  : "%s has no %s; make it anew with skein partition --calibrate",
                           r->path, entries[e].key);
    if (!code && (!r->constants->cores || !r->constants->processes))
        code = sk_fail(r->err, SK_EINPUT, "%s has no %s; make it anew with skein partition --calibrate", r->path,
                       r->constants->cores ? "processes" : "cores");
    return code;
}

enum sk_code partition_constants_read(const char *path, struct partition_constants *constants, struct sk_error *err)
{
    char text[LONGEST + 1];
    FILE *in = fopen(path, "r");
    if (!in)
        return sk_fail(err, SK_EINPUT, "cannot read the calibration %s: %s", path, strerror(errno));
    size_t length = fread(text, 1, LONGEST + 1, in);
    int why = ferror(in) ? errno : 0;
    fclose(in);
    if (why)
        return sk_fail(err, SK_EINPUT, "cannot read the calibration %s: %s", path, strerror(why));
    if (length > LONGEST || memchr(text, 0, length))
        return sk_fail(err, SK_EINPUT, "%s is not a calibration: too long, or not text", path);
    text[length] = 0;
    memset(constants, 0, sizeof *constants);
    struct reading reading = {.path = path, .at = text, .constants = constants, .err = err};
    return take_object(&reading);
}

enum sk_code partition_constants_write(const char *path, const struct partition_constants *constants,
                                       struct sk_error *err)
{
    struct partition_constants copy = *constants;
    struct sk_json json;
    FILE *out = fopen(path, "w");
    if (!out)
        return sk_fail(err, SK_EENV, "cannot write %s: %s", path, strerror(errno));
    sk_json_init(&json, out);
    sk_json_begin(&json);
    sk_json_string(&json, "event", "calibration");
    sk_json_string(&json, "version", skein_version());
    sk_json_string(&json, "run_file", copy.run_file[0] ? copy.run_file : NULL);
    sk_json_int(&json, "processes", copy.processes);
    sk_json_int(&json, "cores", copy.cores);
    for (int e = 0; e < ENTRIES; e++)
        sk_json_double(&json, entries[e].key,
                       entries[e].may_be_null && !copy.run_file[0] ? NAN : *place_of(&copy, &entries[e]));
    enum sk_code code = sk_json_end(&json, err);
    sk_json_clear(&json);
    if (fclose(out) != 0 && !code)
        code = sk_fail(err, SK_EENV, "cannot write %s: %s", path, strerror(errno));
    return code;
}
