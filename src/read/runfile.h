/* Run file: INI text to sk_parameters through inih, every key from one table (keys.c).
 * Sees no par: parsers are fuzzed without MPI. Not here: reading structures (structure.h). */
#ifndef SK_READ_RUNFILE_H
#define SK_READ_RUNFILE_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "model/parameters.h"

/* One `--set section.key=value`. */
struct sk_override {
    const char *text; /* "section.key=value", borrowed */
};

/* Parses the file and then the overrides (the last one for a key counts); fills defaults; checks ranges and
 * contradictions; makes paths absolute, relative ones from the file's folder (also those of overrides and the folders
 * of include_path, which stay separated by ':'). Errors: SK_EINPUT with "FILE:LINE: ..." or "--set section.key: ...",
 * the nearest valid key or value and what to do; SK_EENV if the file cannot be read. Local. */
enum sk_code sk_runfile_read(const char *path, const struct sk_override *overrides, int noverrides,
                             struct sk_parameters *parameters, struct sk_error *err);
/* The same from text[length]; name is used in messages, for relative paths and for the checkpoint's default. Local. */
enum sk_code sk_runfile_parse(const char *text, size_t length, const char *name, const struct sk_override *overrides,
                              int noverrides, struct sk_parameters *parameters, struct sk_error *err);
/* Where a key was given, for messages about what was found wrong with it later: "FILE:LINE", "--set section.key", or
 * the file alone if it was not. Reads the file again. Local. */
void sk_runfile_locate(const char *path, const struct sk_override *overrides, int noverrides, const char *section,
                       const char *name, char *text, size_t size);
/* Writes the complete set, defaults included, as a run file that parses to the same parameters from any folder.
 * The caller owns out and checks ferror. Local. */
void sk_runfile_write(FILE *out, const struct sk_parameters *parameters);
/* Writes docs/runfile.md: the introduction and the table of all keys. Local. */
void sk_runfile_document(FILE *out);

#endif
