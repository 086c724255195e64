#include "read/values.h"

#include <locale.h>
#include <string.h>

#include "read/number.h"
#include "read/script.h"

_Static_assert(sizeof(enum sk_curve) == sizeof(int), "enumerations are stored as int");

static void *value_field(const struct sk_key *key, struct sk_parameters *parameters)
{
    return (char *)parameters + key->offset;
}

static const void *value_field_const(const struct sk_key *key, const struct sk_parameters *parameters)
{
    return (const char *)parameters + key->offset;
}

double sk_value_real(const struct sk_key *key, const struct sk_parameters *parameters)
{
    double value;
    memcpy(&value, value_field_const(key, parameters), sizeof value);
    return value;
}

void sk_value_range(const struct sk_key *key, char *text, size_t size)
{
    text[0] = '\0';
    if (key->offset == SK_KEY_NOWHERE)
        return;
    if (key->type == SK_KEY_INTEGER && key->high == 0x1p62)
        snprintf(text, size, "at least %.0f, at most 2^62", key->low);
    else if (key->type == SK_KEY_REAL || key->type == SK_KEY_INTEGER)
        snprintf(text, size, "%s %g, at most %g", (key->flags & SK_KEY_ABOVE) ? "above" : "at least", key->low,
                 key->high);
    else if (key->type == SK_KEY_REALS)
        snprintf(text, size, "each above %g, at most %g", key->low, key->high);
    else if (key->type == SK_KEY_TRIPLE)
        snprintf(text, size, "each at least %g, at most %g", key->low, key->high);
    else if (key->type == SK_KEY_UNSIGNED)
        snprintf(text, size, "0 to 2^64 - 1");
}

void sk_value_choices(const struct sk_choice *choices, bool is_supported, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const struct sk_choice *choice = choices; choice->name; choice++)
        if (choice->is_supported == is_supported && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", choice->name);
}

static bool out_of_range(const struct sk_key *key, const char *text, const struct sk_parameters *parameters, char *why,
                         size_t size)
{
    char range[96];
    sk_value_range(key, range, sizeof range);
    const char *unit = key->unit && parameters->units == SK_UNITS_GROMACS ? key->unit : "";
    snprintf(why, size, "'%s' = %.60s is out of range: %s%s%s", sk_key_name(key, parameters->units), text, range,
             *unit ? " " : "", unit);
    return false;
}

static bool set_real(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                     size_t size)
{
    double value = 0.0;
    if (!key->word || strcmp(text, key->word) != 0) {
        if (!sk_parse_real(text, &value)) {
            snprintf(why, size, "'%s' = '%.60s' is not a number%s%s%s", sk_key_name(key, parameters->units), text,
                     key->word ? " nor '" : "", key->word ? key->word : "", key->word ? "'" : "");
            return false;
        }
        bool is_inside = (key->flags & SK_KEY_ABOVE) ? value > key->low : value >= key->low;
        if (!is_inside || !(value <= key->high))
            return out_of_range(key, text, parameters, why, size);
    }
    value += 0.0; /* -0 becomes 0: one zero, one written form */
    memcpy(value_field(key, parameters), &value, sizeof value);
    return true;
}

static bool set_integer(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                        size_t size)
{
    int64_t value;
    if (!sk_parse_integer(text, &value)) {
        double real;
        if (sk_parse_real(text, &real))
            snprintf(why, size, "'%s' = '%.60s' is not a whole number within 64 bits, written in digits alone",
                     key->name, text);
        else
            snprintf(why, size, "'%s' = '%.60s' is not a whole number", key->name, text);
        return false;
    }
    if (value < (int64_t)key->low || value > (int64_t)key->high)
        return out_of_range(key, text, parameters, why, size);
    memcpy(value_field(key, parameters), &value, sizeof value);
    return true;
}

static bool set_unsigned(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                         size_t size)
{
    uint64_t value;
    if (!sk_parse_unsigned(text, &value)) {
        snprintf(why, size, "'%s' = '%.60s' is not a whole number from 0 to 2^64 - 1", key->name, text);
        return false;
    }
    memcpy(value_field(key, parameters), &value, sizeof value);
    return true;
}

static bool set_boolean(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                        size_t size)
{
    bool value = strcmp(text, "on") == 0;
    if (!value && strcmp(text, "off") != 0) {
        snprintf(why, size, "'%s' = '%.60s' is neither 'on' nor 'off'", key->name, text);
        return false;
    }
    memcpy(value_field(key, parameters), &value, sizeof value);
    return true;
}

static bool set_choice(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                       size_t size)
{
    char list[256];
    sk_value_choices(key->choices, true, list, sizeof list);
    for (const struct sk_choice *choice = key->choices; choice->name; choice++) {
        if (strcmp(choice->name, text) != 0)
            continue;
        if (!choice->is_supported) {
            snprintf(why, size, "'%s' = %s is known but not supported yet; use one of: %s", key->name, text, list);
            return false;
        }
        if (key->offset != SK_KEY_NOWHERE)
            memcpy(value_field(key, parameters), &choice->value, sizeof choice->value);
        return true;
    }
    snprintf(why, size, "'%s' = '%.60s' is not one of: %s", key->name, text, list);
    return false;
}

static bool set_text(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                     size_t size)
{
    if (strlen(text) >= key->size) {
        snprintf(why, size, "the value of '%s' is longer than %zu bytes", key->name, key->size - 1);
        return false;
    }
    memset(value_field(key, parameters), 0, key->size);
    memcpy(value_field(key, parameters), text, strlen(text));
    return true;
}

bool sk_path_resolve(const char *folder, const char *path, char *result, size_t size)
{
    char *out = result;
    const char *parts[2] = {path[0] == '/' ? "" : folder, path};
    for (int i = 0; i < 2; i++)
        for (const char *p = parts[i]; *p; p++) {
            bool is_start = out == result || out[-1] == '/';
            /* "//" and "/./" say nothing; ".." stays, for folders may be links. */
            if (is_start && out != result && *p == '/')
                continue;
            if (is_start && *p == '.' && p[1] == '/') {
                p++;
                continue;
            }
            if ((size_t)(out - result) + 1 >= size)
                return false;
            *out++ = *p;
        }
    *out = '\0';
    return true;
}

static bool set_path(const struct sk_key *key, const char *text, const char *folder, struct sk_parameters *parameters,
                     char *why, size_t size)
{
    char path[SK_PATH_MAX] = "";
    if (*text && !sk_path_resolve(folder, text, path, sizeof path)) {
        snprintf(why, size, "the path of '%s' is longer than %d bytes with its folder", key->name, SK_PATH_MAX - 1);
        return false;
    }
    return set_text(key, path, parameters, why, size);
}

static bool set_paths(const struct sk_key *key, const char *text, const char *folder, struct sk_parameters *parameters,
                      char *why, size_t size)
{
    char list[SK_TEXT_MAX] = "";
    size_t used = 0;
    while (*text) {
        char part[SK_TEXT_MAX], path[SK_PATH_MAX];
        size_t n = strcspn(text, ":");
        bool is_good = n < sizeof part;
        if (n && is_good) {
            memcpy(part, text, n);
            part[n] = '\0';
            /* A ':' can only come from the run file's own folder. */
            is_good = sk_path_resolve(folder, part, path, sizeof path) && !strchr(path, ':') &&
                      used + strlen(path) + 2 <= sizeof list;
            if (is_good)
                used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ":" : "", path);
        }
        if (!is_good) {
            snprintf(why, size, "the folders of '%s' are too long, or the run file's folder has a ':' in its name",
                     key->name);
            return false;
        }
        text += n + (text[n] == ':');
    }
    return set_text(key, list, parameters, why, size);
}

static bool set_triple(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                       size_t size)
{
    int triple[3] = {0, 0, 0};
    const char *rest = text;
    if (key->word && strcmp(text, key->word) == 0) {
        memcpy(value_field(key, parameters), triple, sizeof triple);
        return true;
    }
    for (int axis = 0; axis < 3; axis++) {
        int64_t value;
        size_t n = strcspn(rest, "xX");
        /* A blank or a sign inside is a slip, not a number. */
        bool is_number = n && rest[0] >= '0' && rest[0] <= '9' && rest[n - 1] >= '0' && rest[n - 1] <= '9' &&
                         sk_parse_integer_field(rest, n, &value);
        if (!is_number || (rest[n] == '\0') != (axis == 2)) {
            snprintf(why, size, "'%s' = '%.60s' is not of the form AxBxC, for example 2x2x2", key->name, text);
            return false;
        }
        if (value < (int64_t)key->low || value > (int64_t)key->high)
            return out_of_range(key, text, parameters, why, size);
        triple[axis] = (int)value;
        rest += n + (axis < 2);
    }
    memcpy(value_field(key, parameters), triple, sizeof triple);
    return true;
}

static bool set_weights(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                        size_t size)
{
    double weights[2][3];
    char reason[256];
    if (!sk_special_weights(text, weights, reason, sizeof reason)) {
        snprintf(why, size, "'%s': %s", key->name, reason);
        return false;
    }
    memcpy(value_field(key, parameters), weights, sizeof weights);
    return true;
}

static bool set_reals(const struct sk_key *key, const char *text, struct sk_parameters *parameters, char *why,
                      size_t size)
{
    const char *name = sk_key_name(key, parameters->units);
    double values[SK_GROUPS_MAX] = {0};
    SK_REQUIRE(key->size == sizeof values && (key->flags & SK_KEY_ABOVE) && key->low == 0);
    int n = 0;
    for (size_t length; *text; n++, text += length, text += strspn(text, " \t")) {
        char word[64];
        length = strcspn(text, " \t");
        snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : (int)sizeof word - 1, text);
        if (n == SK_GROUPS_MAX) {
            snprintf(why, size, "'%s' has more than %d numbers", name, SK_GROUPS_MAX);
            return false;
        }
        if (length >= sizeof word || !sk_parse_real(word, &values[n])) {
            snprintf(why, size, "'%s': '%s' is not a number", name, word);
            return false;
        }
        if (!(values[n] > key->low && values[n] <= key->high))
            return out_of_range(key, word, parameters, why, size);
    }
    memcpy(value_field(key, parameters), values, sizeof values);
    return true;
}

/* Whether a definition may be called so. */
static bool is_name(const char *name, const char *const *reserved, char *why, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    for (; *reserved; reserved++)
        if (strcmp(name, *reserved) == 0) {
            snprintf(why, size, "'%s' has a meaning of its own; choose another name", name);
            return false;
        }
    if (name[strspn(name, letters)] == '\0' && strlen(name) < SK_NAME_MAX)
        return true;
    snprintf(why, size, "'%.60s' is no name: at most %d letters, digits, '_', '-' and '.'", name, SK_NAME_MAX - 1);
    return false;
}

bool sk_value_define(const struct sk_key *key, const char *name, const char *text, const char *const *reserved,
                     struct sk_parameters *parameters, char *why, size_t size)
{
    struct sk_definitions *all = value_field(key, parameters);
    int i = 0;
    if (!is_name(name, reserved, why, size))
        return false;
    while (i < all->n && strcmp(all->of[i].name, name) != 0)
        i++;
    if (*text == '\0') { /* what follows moves up */
        int last = i < all->n ? --all->n : all->n;
        for (; i < last; i++)
            all->of[i] = all->of[i + 1];
        if (last < SK_GROUPS_MAX)
            memset(&all->of[last], 0, sizeof all->of[last]);
        return true;
    }
    if (i == SK_GROUPS_MAX) {
        snprintf(why, size, "'%s' is one more than the %d that can be defined", name, SK_GROUPS_MAX);
        return false;
    }
    SK_REQUIRE(strlen(text) < sizeof all->of[i].text);
    memset(&all->of[i], 0, sizeof all->of[i]);
    strcpy(all->of[i].name, name);
    strcpy(all->of[i].text, text);
    all->n = i < all->n ? all->n : i + 1;
    return true;
}

bool sk_value_set(const struct sk_key *key, const char *text, const char *folder, struct sk_parameters *parameters,
                  char *why, size_t size)
{
    bool is_text = key->type == SK_KEY_TEXT || key->type == SK_KEY_PATH || key->type == SK_KEY_PATHS;
    if (*text == '\0' && !is_text) {
        snprintf(why, size, "'%s' has no value", sk_key_name(key, parameters->units));
        return false;
    }
    switch (key->type) {
    case SK_KEY_REAL: return set_real(key, text, parameters, why, size);
    case SK_KEY_INTEGER: return set_integer(key, text, parameters, why, size);
    case SK_KEY_UNSIGNED: return set_unsigned(key, text, parameters, why, size);
    case SK_KEY_BOOLEAN: return set_boolean(key, text, parameters, why, size);
    case SK_KEY_CHOICE: return set_choice(key, text, parameters, why, size);
    case SK_KEY_TEXT: return set_text(key, text, parameters, why, size);
    case SK_KEY_PATH: return set_path(key, text, folder, parameters, why, size);
    case SK_KEY_PATHS: return set_paths(key, text, folder, parameters, why, size);
    case SK_KEY_TRIPLE: return set_triple(key, text, parameters, why, size);
    case SK_KEY_WEIGHTS: return set_weights(key, text, parameters, why, size);
    case SK_KEY_REALS: return set_reals(key, text, parameters, why, size);
    case SK_KEY_DEFINITIONS: break; /* they have names: sk_value_define */
    }
    return false;
}

void sk_value_format(double value, char text[40])
{
    double again = 0.0;
    /* A host program may have set a locale with a decimal comma. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = uselocale(c);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 40, "%.*g", digits, value);
        if (sk_parse_real(text, &again) && again == value)
            break;
    }
    uselocale(before);
    freelocale(c);
}

static void print_real(FILE *out, double value)
{
    char text[40];
    sk_value_format(value, text);
    fprintf(out, " %s", text);
}

static void print_weights(FILE *out, const double *weights)
{
    for (int i = 0; i < 6; i++) {
        if (i % 3 == 0)
            fprintf(out, i ? " coul" : " lj");
        print_real(out, weights[i]);
    }
}

static void print_reals(FILE *out, const double *values)
{
    for (int i = 0; i < SK_GROUPS_MAX && values[i] != 0.0; i++)
        print_real(out, values[i]);
}

void sk_value_print_text(FILE *out, const char *text)
{
    size_t n = strlen(text);
    bool has_quotes = n && (strchr(" \t#;", text[0]) || strchr(" \t", text[n - 1]));
    for (size_t i = 1; i < n; i++)
        has_quotes |= strchr(" \t", text[i - 1]) && strchr("#;", text[i]);
    const char *quote = has_quotes ? "\"" : "";
    fprintf(out, "%s%s%s%s", n ? " " : "", quote, text, quote);
}

void sk_value_print(FILE *out, const struct sk_key *key, const struct sk_parameters *parameters)
{
    const void *field = value_field_const(key, parameters);
    const int *number = field;
    const struct sk_choice *choice = key->choices;
    switch (key->type) {
    case SK_KEY_REAL:
        if (key->word && sk_value_real(key, parameters) == 0.0)
            fprintf(out, " %s", key->word);
        else
            print_real(out, sk_value_real(key, parameters));
        break;
    case SK_KEY_INTEGER: fprintf(out, " %lld", (long long)*(const int64_t *)field); break;
    case SK_KEY_UNSIGNED: fprintf(out, " %llu", (unsigned long long)*(const uint64_t *)field); break;
    case SK_KEY_BOOLEAN: fprintf(out, " %s", *(const bool *)field ? "on" : "off"); break;
    case SK_KEY_CHOICE:
        while (choice->name && (!choice->is_supported || choice->value != *number))
            choice++;
        SK_REQUIRE(choice->name);
        fprintf(out, " %s", choice->name);
        break;
    case SK_KEY_TRIPLE:
        if (key->word && number[0] == 0)
            fprintf(out, " %s", key->word);
        else
            fprintf(out, " %dx%dx%d", number[0], number[1], number[2]);
        break;
    case SK_KEY_WEIGHTS: print_weights(out, field); break;
    case SK_KEY_REALS: print_reals(out, field); break;
    case SK_KEY_TEXT:
    case SK_KEY_PATH:
    case SK_KEY_PATHS: sk_value_print_text(out, field); break;
    case SK_KEY_DEFINITIONS: break;
    }
}
