#include "app/partition_pack.h"

#include "app/partition_svg.h"
#include "base/json.h"
#include "base/memory.h"

void partition_label(const struct partition_result *r, char *text, size_t size)
{
    const char *name = partition_scheme_name(r->asked), *chosen = partition_scheme_name((int)r->plan.scheme);
    snprintf(text, size, "%s%s%s", name, r->asked == PARTITION_AUTO ? " = " : "",
             r->asked == PARTITION_AUTO ? chosen : "");
}

struct bytes {
    unsigned char *byte;
    size_t n, capacity;
};

static void put_byte(struct bytes *bytes, unsigned value)
{
    sk_reserve(&bytes->byte, &bytes->capacity, bytes->n + 1);
    bytes->byte[bytes->n++] = (unsigned char)value;
}

static void put_varint(struct bytes *bytes, int64_t number)
{
    uint64_t value = (uint64_t)number;
    for (; value > 127; value >>= 7)
        put_byte(bytes, (unsigned)(value & 127) | 128);
    put_byte(bytes, (unsigned)value);
}

/* Adds the bytes as base64 and clears them. */
static void put_base64(struct sk_json *json, const char *key, struct bytes *bytes)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t whole = (bytes->n + 2) / 3;
    char *text = sk_alloc(4 * whole + 1, 1);
    for (size_t i = 0; i < whole; i++) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (3 * i + k < bytes->n ? bytes->byte[3 * i + k] : 0U);
        for (size_t k = 0; k < 4; k++)
            text[4 * i + k] = 3 * i + k <= bytes->n ? digit[group >> (18 - 6 * k) & 63] : '=';
    }
    text[4 * whole] = 0;
    sk_json_string(json, key, text);
    sk_free(&text);
    sk_free(&bytes->byte);
    *bytes = (struct bytes){0};
}

struct coarse {
    int32_t step[3], n[3];
};

static void coarse_fit(struct coarse *c, int k, int32_t cells, int32_t step)
{
    c->step[k] = step;
    c->n[k] = (cells + step - 1) / step;
}

/* Blocks as near to cubes as can be. */
static struct coarse coarse_make(const int32_t n[3])
{
    struct coarse c;
    for (int k = 0; k < 3; k++)
        coarse_fit(&c, k, n[k], (n[k] + PARTITION_EDGE - 1) / PARTITION_EDGE);
    while ((int64_t)c.n[0] * c.n[1] * c.n[2] > PARTITION_DRAWN) {
        int finest = 0;
        for (int k = 1; k < 3; k++)
            if (c.step[k] < c.step[finest] || (c.step[k] == c.step[finest] && c.n[k] > c.n[finest]))
                finest = k;
        coarse_fit(&c, finest, n[finest], c.step[finest] + 1);
    }
    return c;
}

static int32_t middle(const struct coarse *c, const int32_t n[3], int k, int32_t block)
{
    int32_t at = block * c->step[k] + c->step[k] / 2;
    return at < n[k] ? at : n[k] - 1;
}

static void put_owners(struct sk_json *json, const struct partition_scene *scene, const struct coarse *c,
                       const struct sk_plan *plan)
{
    struct bytes bytes = {0};
    int32_t last = -1, length = 0;
    for (int32_t z = 0; z < c->n[2]; z++)
        for (int32_t y = 0; y < c->n[1]; y++)
            for (int32_t x = 0; x < c->n[0]; x++) {
                int32_t owner = sk_plan_owner(plan, middle(c, scene->n, 0, x), middle(c, scene->n, 1, y),
                                              middle(c, scene->n, 2, z));
                if (owner != last && length) {
                    put_varint(&bytes, last);
                    put_varint(&bytes, length);
                    length = 0;
                }
                last = owner;
                length++;
            }
    put_varint(&bytes, last);
    put_varint(&bytes, length);
    put_base64(json, "owners", &bytes);
}

static void put_ranks(struct sk_json *json, const struct sk_count *count)
{
    struct bytes bytes = {0};
    for (int r = 0; r < count->nranks; r++) {
        const struct sk_rank_count *c = &count->rank[r];
        const int64_t each[] = {c->cells,       c->weight, c->atoms,      c->ghosts,
                                c->ghost_atoms, c->sent,   c->neighbours, c->components};
        for (size_t k = 0; k < sizeof each / sizeof each[0]; k++)
            put_varint(&bytes, each[k]);
    }
    put_base64(json, "by_rank", &bytes);
}

static void put_names(struct sk_json *json)
{
    static const char *const name[] = {"cells",       "weight", "atoms",      "ghosts",
                                       "ghost_atoms", "sent",   "neighbours", "components"};
    sk_json_open_array(json, "by_rank");
    for (size_t k = 0; k < sizeof name / sizeof name[0]; k++)
        sk_json_string(json, NULL, name[k]);
    sk_json_close(json);
}

static void put_edges(struct sk_json *json, const char *key, const int32_t n[3])
{
    sk_json_open_array(json, key);
    for (int k = 0; k < 3; k++)
        sk_json_int(json, NULL, n[k]);
    sk_json_close(json);
}

static void put_scene(struct sk_json *json, const struct partition_scene *scene, const struct coarse *c, int ranks)
{
    struct bytes colours = {0};
    sk_json_string(json, "name", scene->name);
    sk_json_int(json, "ranks", ranks);
    put_edges(json, "cells", scene->n);
    put_edges(json, "drawn", c->n);
    put_edges(json, "step", c->step);
    sk_json_open_array(json, "box");
    for (int k = 0; k < 3; k++)
        sk_json_double(json, NULL, scene->atoms ? scene->edge[k] : scene->n[k]);
    sk_json_close(json);
    sk_json_int(json, "reach", scene->reach);
    sk_json_bool(json, "has_atoms", scene->atoms != NULL);
    sk_json_string(json, "length_unit", scene->is_reduced ? "σ" : "nm");
    for (int r = 0; r < ranks; r++) {
        unsigned char rgb[3];
        svg_rank_rgb(r, ranks, rgb);
        for (int k = 0; k < 3; k++)
            put_byte(&colours, rgb[k]);
    }
    put_base64(json, "colours", &colours);
    put_names(json);
}

void partition_pack(FILE *out, const struct partition_scene *scene, const struct partition_result *results,
                    int nresults)
{
    struct sk_json json;
    struct sk_error err;
    struct coarse coarse = coarse_make(scene->n);
    sk_json_init(&json, NULL);
    sk_json_begin(&json);
    put_scene(&json, scene, &coarse, results->ranks);
    sk_json_open_array(&json, "schemes");
    for (int i = 0; i < nresults; i++) {
        char label[64];
        partition_label(&results[i], label, sizeof label);
        sk_json_open_object(&json, NULL);
        sk_json_string(&json, "label", label);
        sk_json_string(&json, "scheme", partition_scheme_name((int)results[i].plan.scheme));
        sk_json_int(&json, "turn", results[i].plan.turn);
        put_owners(&json, scene, &coarse, &results[i].plan);
        put_ranks(&json, &results[i].count);
        sk_json_close(&json);
    }
    sk_json_close(&json);
    (void)sk_json_end(&json, &err); /* to no stream: cannot fail */
    for (const char *at = sk_json_text(&json); *at; at++)
        if (*at == '<')
            fputs("\\u003c", out);
        else
            fputc(*at, out);
    sk_json_clear(&json);
}
