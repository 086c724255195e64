/* Data: what the tests of the data-file reader share: texts that are accepted or refused, and what came of them. */
#ifndef SK_TESTS_READ_DATA_H
#define SK_TESTS_READ_DATA_H

#include "files.h"

static struct sk_parameters parameters;
static struct sk_structure structure;
static struct sk_topology top;
static struct sk_forcefield ff;
static struct files_atoms atoms;

static inline int start(void **state)
{
    (void)state;
    memset(&parameters, 0, sizeof parameters);
    parameters.units = SK_UNITS_LJ;
    parameters.nonbonded.mixing = SK_MIXING_GEOMETRIC;
    sk_topology_init(&top);
    sk_forcefield_init(&ff);
    files_atoms_init(&atoms, 1);
    return 0;
}

static inline void clear(void)
{
    sk_topology_clear(&top);
    sk_forcefield_clear(&ff);
    files_atoms_clear(&atoms);
}

static inline int stop(void **state)
{
    (void)state;
    clear();
    return 0;
}

static inline enum sk_code read_path(const char *path, struct sk_error *err)
{
    clear();
    enum sk_code code = sk_data_open(path, &parameters, &structure, &top, &ff, err);
    if (code != SK_OK)
        return code;
    files_atoms_init(&atoms, structure.natoms);
    return sk_data_read(path, &parameters, &top, files_atom_sink, files_velocity_sink, &atoms, err);
}

static inline void accept(const char *text)
{
    struct sk_error err;
    if (read_path(files_write("a.data", text), &err) != SK_OK)
        fail_msg("%s", err.message);
}

/* Refused as bad input with exactly "FOLDER/a.data" and this text. */
static inline void refuse(const char *text, const char *message)
{
    struct sk_error err = {SK_OK, ""};
    char expected[1024];
    assert_int_equal(read_path(files_write("a.data", text), &err), SK_EINPUT);
    assert_int_equal(err.code, SK_EINPUT);
    snprintf(expected, sizeof expected, "%s%s", files_path("a.data"), message);
    assert_string_equal(err.message, expected);
}

#define BOX "0 10 xlo xhi\n-5 5 ylo yhi\n1e0 1.1e1 zlo zhi\n"

#endif
