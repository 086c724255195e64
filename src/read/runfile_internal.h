/* What reading a run file (runfile.c) and the rules between its keys (runfile_rules.c) share. */
#ifndef SK_READ_RUNFILE_INTERNAL_H
#define SK_READ_RUNFILE_INTERNAL_H

#include "read/entries.h"
#include "read/runfile.h"

/* One reading of a run file: what was given, where it goes, and how to report. */
struct runfile {
    struct sk_entries entries;
    char folder[SK_PATH_MAX]; /* absolute, ends in '/' */
    struct sk_parameters *p;
    struct sk_error *err;
};

/* Serial, after all values are set: what keys need, contradict or imply, by name and line; some values follow from
 * others. Errors: SK_EINPUT. */
enum sk_code sk_runfile_rules(struct runfile *run);

#endif
