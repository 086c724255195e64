#include "read/runfile.h"

#include <string.h>

#include "read/values.h"

/* Keys that hold no field have one supported value, their default. */
static void write_value(FILE *out, const struct sk_key *key, const struct sk_parameters *p)
{
    if (strcmp(key->name, "units") == 0)
        fprintf(out, " %s", p->system.is_real ? "real" : "lj");
    else if (key->offset == SK_KEY_NOWHERE)
        fprintf(out, " %s", key->fallback);
    else
        sk_value_print(out, key, p);
}

static void write_definitions(FILE *out, const struct sk_definitions *all)
{
    if (all->n == 0)
        fprintf(out, "# none is defined\n");
    for (int i = 0; i < all->n; i++) {
        fprintf(out, "%s =", all->of[i].name);
        sk_value_print_text(out, all->of[i].text);
        fputc('\n', out);
    }
}

void sk_runfile_write(FILE *out, const struct sk_parameters *parameters)
{
    int n;
    const struct sk_key *key = sk_key_table(&n);
    unsigned skipped = SK_KEY_UNWRITTEN;
    skipped |= parameters->system.data[0] ? SK_KEY_GROMACS_ONLY : SK_KEY_DATA_ONLY;
    fprintf(out, "# Everything this run used, defaults included; a run file again.\n");
    for (int i = 0; i < n; i++) {
        if (i == 0 || strcmp(key[i].section, key[i - 1].section) != 0)
            fprintf(out, "[%s]\n", key[i].section);
        if (key[i].flags & skipped)
            continue;
        const char *name = sk_key_name(&key[i], parameters->units);
        if (key[i].type == SK_KEY_DEFINITIONS) {
            write_definitions(out, (const void *)((const char *)parameters + key[i].offset));
            continue;
        }
        if ((key[i].flags & SK_KEY_ZERO_UNSET) && sk_value_real(&key[i], parameters) == 0.0) {
            fprintf(out, "# %s is not used\n", name);
            continue;
        }
        fprintf(out, "%s =", name);
        write_value(out, &key[i], parameters);
        fputc('\n', out);
    }
}

static const char introduction[] =
    "# The run file\n"
    "\n"
    "<!-- Written by sk_runfile_document from the table in src/read/keys.c; do not edit. -->\n"
    "\n"
    "A run file is INI text: sections in brackets, one `key = value` a line. It says everything about a run; `skein "
    "run`\n"
    "writes the complete set that it used, defaults included, which is a run file again.\n"
    "\n"
    "```\n"
    "[system]\n"
    "structure = water.gro\n"
    "topology  = water.top\n"
    "[run]\n"
    "dt_ps = 0.002\n"
    "steps = 10000\n"
    "[nonbonded]\n"
    "cutoff_nm = 0.9\n"
    "coulomb = reaction-field\n"
    "[temperature]\n"
    "thermostat = v-rescale\n"
    "target_K = 300\n"
    "tau_ps = 0.5\n"
    "[output]\n"
    "trajectory = water.h5md\n"
    "trajectory_every = 500\n"
    "```\n"
    "\n"
    "- An unknown key, a wrong type, a value out of range, a key given twice or a contradiction is an error with "
    "file,\n"
    "  line and what to write instead. Nothing is ignored: what is known but not supported yet is refused by name.\n"
    "- A line that starts with `#` or `;` is a comment, and so is the rest of a line from a `#` or `;` behind a "
    "blank.\n"
    "  A value in double quotes is taken as it stands; no value may contain a double quote. Lines have at most 4095\n"
    "  bytes. Indentation means nothing.\n"
    "- Numbers are decimal (`0.002`, `2e-3`); whole numbers are digits alone (`10000`, not `1e4`).\n"
    "- Relative paths are relative to the folder of the run file, also those given with `--set`.\n"
    "- `--set section.key=value` on the command line replaces a key of the file; of several for one key the last\n"
    "  counts. An empty value (`--set output.trajectory=`) of a text or path is the same as none.\n"
    "- Units are nm, ps, kJ/mol, amu, e, K and bar, and are part of the key's name. A LAMMPS data file with\n"
    "  `units = lj` runs in reduced units, and the keys drop the unit: `dt_ps` becomes `dt`, `cutoff_nm` becomes\n"
    "  `cutoff`. The form of the other unit system is an error that names the right one.\n";

static void document_values(FILE *out, const struct sk_key *key)
{
    static const char *const kinds[] = {"number", "whole number", "whole number", "on, off", "choice",  "text",
                                        "path",   "folders",      "AxBxC",        "weights", "numbers", "selection"};
    char text[256];
    if (key->type == SK_KEY_CHOICE) {
        sk_value_choices(key->choices, true, text, sizeof text);
        fprintf(out, "%s", text);
        sk_value_choices(key->choices, false, text, sizeof text);
        if (text[0])
            fprintf(out, " (not supported yet: %s)", text);
        return;
    }
    fprintf(out, "%s", kinds[key->type]);
    sk_value_range(key, text, sizeof text);
    if (text[0])
        fprintf(out, ", %s", text);
    if (key->word)
        fprintf(out, "; or `%s`", key->word);
}

void sk_runfile_document(FILE *out)
{
    int n;
    const struct sk_key *key = sk_key_table(&n);
    fputs(introduction, out);
    for (int i = 0; i < n; i++) {
        if (i == 0 || strcmp(key[i].section, key[i - 1].section) != 0)
            fprintf(out, "\n## [%s]\n\n| key | values | default | unit | meaning |\n|---|---|---|---|---|\n",
                    key[i].section);
        fprintf(out, "| `%s`", key[i].name);
        if (strcmp(key[i].name, key[i].plain) != 0)
            fprintf(out, ", reduced units: `%s`", key[i].plain);
        fprintf(out, " | ");
        document_values(out, &key[i]);
        fprintf(out, " | %s%s%s | %s | %s |\n", key[i].fallback ? "`" : "",
                key[i].fallback ? key[i].fallback : key[i].rule, key[i].fallback ? "`" : "",
                key[i].unit ? key[i].unit : "", key[i].help);
    }
}
