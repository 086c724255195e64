#include "io/h5.h"

#include <hdf5.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/files.h"

struct sk_h5 {
    hid_t id;
    char path[1024];
};

/* The innermost description on HDF5's error stack says what the system said. */
static herr_t cause_take(unsigned n, const H5E_error2_t *entry, void *cause)
{
    (void)n;
    char *text = cause;
    if (!text[0] && entry->desc)
        snprintf(text, 256, "%s", entry->desc);
    return 0;
}

static enum sk_code h5_fail(const struct sk_h5 *file, const char *what, const char *object, struct sk_error *err)
{
    char cause[256] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, cause_take, cause);
    return sk_fail(err, SK_EENV, "%s: cannot %s%s%s: %s", file->path, what, *object ? " " : "", object,
                   cause[0] ? cause : "HDF5 gives no reason");
}

/* The type in memory; the caller closes it. */
static hid_t type_memory(enum sk_h5_type type)
{
    switch (type) {
    case SK_H5_I32: return H5Tcopy(H5T_NATIVE_INT32);
    case SK_H5_I64: return H5Tcopy(H5T_NATIVE_INT64);
    case SK_H5_U64: return H5Tcopy(H5T_NATIVE_UINT64);
    case SK_H5_F32: return H5Tcopy(H5T_NATIVE_FLOAT);
    case SK_H5_F64: return H5Tcopy(H5T_NATIVE_DOUBLE);
    default: break;
    }
    SK_REQUIRE(type > SK_H5_TEXT_BASE);
    hid_t text = H5Tcopy(H5T_C_S1);
    if (text >= 0 &&
        (H5Tset_size(text, (size_t)type - SK_H5_TEXT_BASE) < 0 || H5Tset_strpad(text, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(text);
        return H5I_INVALID_HID;
    }
    return text;
}

static hid_t type_file(enum sk_h5_type type)
{
    hid_t id = type_memory(type);
    if (id >= 0 && type < SK_H5_TEXT_BASE && H5Tset_order(id, H5T_ORDER_LE) < 0) {
        H5Tclose(id);
        return H5I_INVALID_HID;
    }
    return id;
}

static hid_t text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

/* Closing a small id cannot lose data: only the file's close is checked. */
static void id_close(hid_t id)
{
    if (id < 0)
        return;
    switch (H5Iget_type(id)) {
    case H5I_DATATYPE: H5Tclose(id); break;
    case H5I_DATASPACE: H5Sclose(id); break;
    case H5I_ATTR: H5Aclose(id); break;
    case H5I_DATASET: H5Dclose(id); break;
    case H5I_GROUP: H5Gclose(id); break;
    case H5I_GENPROP_LST: H5Pclose(id); break;
    default: break;
    }
}

static hid_t access_list(enum sk_h5_mode mode, const void *mpi_comm)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0)
        return access;
    bool is_good = H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0;
    if (mpi_comm)
        is_good = is_good && H5Pset_fapl_mpio(access, *(const MPI_Comm *)mpi_comm, MPI_INFO_NULL) >= 0;
    if (mode == SK_H5_APPEND_CHECKSUMMED)
        is_good = is_good && H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0;
    if (!is_good) {
        H5Pclose(access);
        return H5I_INVALID_HID;
    }
    return access;
}

enum sk_code sk_h5_seed(const char *path, enum sk_h5_mode mode, int64_t bytes, struct sk_error *err)
{
    struct sk_h5 f;
    enum sk_code code = sk_file_create(path, err);
    if (!code)
        code = sk_file_reserve(path, bytes, err);
    if (code)
        return code;
    snprintf(f.path, sizeof f.path, "%s", path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = access_list(mode, NULL);
    f.id = access < 0 ? access : H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (f.id < 0 || H5Fclose(f.id) < 0)
        code = h5_fail(&f, "create", "", err);
    id_close(access);
    /* Emptying the file gave back what had been claimed. */
    return code ? code : sk_file_reserve(path, bytes, err);
}

enum sk_code sk_h5_open(struct sk_h5 **file, const char *path, enum sk_h5_mode mode, const void *mpi_comm,
                        struct sk_error *err)
{
    struct sk_h5 *f = sk_calloc(1, sizeof *f);
    *file = NULL;
    snprintf(f->path, sizeof f->path, "%s", path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = access_list(mode, mpi_comm);
    if (access < 0)
        f->id = access;
    else
        f->id = H5Fopen(path, mode == SK_H5_READ ? H5F_ACC_RDONLY : H5F_ACC_RDWR, access);
    if (f->id < 0) {
        h5_fail(f, mode == SK_H5_READ ? "read" : "open for writing", "", err);
        id_close(access);
        sk_free(&f);
        return err->code;
    }
    id_close(access);
    *file = f;
    return SK_OK;
}

enum sk_code sk_h5_close(struct sk_h5 **file, struct sk_error *err)
{
    if (!*file)
        return SK_OK;
    enum sk_code code = SK_OK;
    if (H5Fclose((*file)->id) < 0)
        code = h5_fail(*file, "finish and close", "", err);
    sk_free(file);
    return code;
}

enum sk_code sk_h5_flush(struct sk_h5 *file, struct sk_error *err)
{
    return H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0 ? h5_fail(file, "flush", "", err) : SK_OK;
}

static hid_t parents_list(void)
{
    hid_t list = H5Pcreate(H5P_LINK_CREATE);
    if (list >= 0 && H5Pset_create_intermediate_group(list, 1) < 0) {
        H5Pclose(list);
        return H5I_INVALID_HID;
    }
    return list;
}

enum sk_code sk_h5_group(struct sk_h5 *file, const char *path, struct sk_error *err)
{
    hid_t parents = parents_list();
    hid_t group = parents < 0 ? parents : H5Gcreate2(file->id, path, parents, H5P_DEFAULT, H5P_DEFAULT);
    enum sk_code code = group < 0 ? h5_fail(file, "make group", path, err) : SK_OK;
    id_close(group);
    id_close(parents);
    return code;
}

enum sk_code sk_h5_link(struct sk_h5 *file, const char *target, const char *path, struct sk_error *err)
{
    if (H5Lcreate_hard(file->id, target, file->id, path, H5P_DEFAULT, H5P_DEFAULT) < 0)
        return h5_fail(file, "link", path, err);
    return SK_OK;
}

void sk_h5_renamed(struct sk_h5 *file, const char *path)
{
    snprintf(file->path, sizeof file->path, "%s", path);
}

bool sk_h5_has(struct sk_h5 *file, const char *path)
{
    char part[256];
    size_t length = strlen(path);
    SK_REQUIRE(length < sizeof part);
    /* H5Lexists wants every parent to exist: ask for one level after another. */
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0)
            return false;
    }
    return true;
}

static hid_t attribute_space(int n)
{
    hsize_t size = (hsize_t)n;
    return n ? H5Screate_simple(1, &size, NULL) : H5Screate(H5S_SCALAR);
}

static enum sk_code attribute_put(struct sk_h5 *file, const char *object, const char *name, hid_t stored, hid_t memory,
                                  int n, const void *data, struct sk_error *err)
{
    hid_t space = attribute_space(n);
    hid_t attribute = H5Acreate_by_name(file->id, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    enum sk_code code = SK_OK;
    if (attribute < 0 || H5Awrite(attribute, memory, data) < 0) {
        char place[256];
        snprintf(place, sizeof place, "%s of %s", name, object);
        code = h5_fail(file, "write attribute", place, err);
    }
    id_close(attribute);
    id_close(space);
    return code;
}

enum sk_code sk_h5_attribute_write(struct sk_h5 *file, const char *object, const char *name, enum sk_h5_type type,
                                   int n, const void *data, struct sk_error *err)
{
    hid_t stored = type_file(type), memory = type_memory(type);
    enum sk_code code = attribute_put(file, object, name, stored, memory, n, data, err);
    id_close(stored);
    id_close(memory);
    return code;
}

enum sk_code sk_h5_text_write(struct sk_h5 *file, const char *object, const char *name, int n, const char *const *text,
                              struct sk_error *err)
{
    hid_t type = text_type();
    enum sk_code code = attribute_put(file, object, name, type, type, n, text, err);
    id_close(type);
    return code;
}

/* Opens an attribute that must have n elements (0: scalar) of the class of `type`. */
static hid_t attribute_get(struct sk_h5 *file, const char *object, const char *name, hid_t type, int n)
{
    hid_t attribute = H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        return attribute;
    hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
    bool is_good = space >= 0 && stored >= 0 && H5Sget_simple_extent_npoints(space) == (n ? n : 1) &&
                   H5Tget_class(stored) == H5Tget_class(type);
    id_close(space);
    id_close(stored);
    if (is_good)
        return attribute;
    H5Aclose(attribute);
    return H5I_INVALID_HID;
}

static enum sk_code attribute_fail(struct sk_h5 *file, const char *object, const char *name, struct sk_error *err)
{
    char place[256];
    snprintf(place, sizeof place, "%s of %s", name, object);
    return h5_fail(file, "read attribute", place, err);
}

enum sk_code sk_h5_attribute_read(struct sk_h5 *file, const char *object, const char *name, enum sk_h5_type type, int n,
                                  void *data, struct sk_error *err)
{
    hid_t memory = type_memory(type);
    hid_t attribute = attribute_get(file, object, name, memory, n);
    enum sk_code code = SK_OK;
    if (attribute < 0 || H5Aread(attribute, memory, data) < 0)
        code = attribute_fail(file, object, name, err);
    id_close(attribute);
    id_close(memory);
    return code;
}

/* How space is laid out: never filled, for it is always written; times are left out, so that equal runs give equal
 * files. */
static hid_t creation_list(const struct sk_h5_shape *shape)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (list < 0)
        return list;
    bool is_good = H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0 && H5Pset_obj_track_times(list, 0) >= 0;
    if (shape->chunk[0]) {
        hsize_t chunk[SK_H5_RANK_MAX];
        for (int k = 0; k < shape->rank; k++)
            chunk[k] = shape->chunk[k];
        is_good = is_good && H5Pset_chunk(list, shape->rank, chunk) >= 0;
    } else {
        is_good = is_good && H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0;
    }
    if (is_good)
        return list;
    H5Pclose(list);
    return H5I_INVALID_HID;
}

enum sk_code sk_h5_dataset(struct sk_h5 *file, const char *path, enum sk_h5_type type, const struct sk_h5_shape *shape,
                           struct sk_error *err)
{
    hsize_t size[SK_H5_RANK_MAX], limit[SK_H5_RANK_MAX];
    SK_REQUIRE(shape->rank >= 1 && shape->rank <= SK_H5_RANK_MAX);
    for (int k = 0; k < shape->rank; k++)
        size[k] = limit[k] = shape->size[k];
    if (shape->chunk[0])
        limit[0] = H5S_UNLIMITED;
    hid_t space = H5Screate_simple(shape->rank, size, limit);
    hid_t stored = type_file(type), parents = parents_list(), creation = creation_list(shape);
    hid_t dataset = H5I_INVALID_HID;
    if (space >= 0 && stored >= 0 && parents >= 0 && creation >= 0)
        dataset = H5Dcreate2(file->id, path, stored, space, parents, creation, H5P_DEFAULT);
    enum sk_code code = dataset < 0 ? h5_fail(file, "make dataset", path, err) : SK_OK;
    id_close(dataset);
    id_close(creation);
    id_close(parents);
    id_close(stored);
    id_close(space);
    return code;
}

enum sk_code sk_h5_shape(struct sk_h5 *file, const char *path, enum sk_h5_type type, struct sk_h5_shape *shape,
                         struct sk_error *err)
{
    hid_t dataset = H5Dopen2(file->id, path, H5P_DEFAULT);
    if (dataset < 0)
        return h5_fail(file, "open dataset", path, err);
    hid_t space = H5Dget_space(dataset), stored = H5Dget_type(dataset), wanted = type_memory(type);
    hsize_t size[H5S_MAX_RANK];
    int rank = H5Sget_simple_extent_ndims(space);
    bool is_good = rank >= 1 && rank <= SK_H5_RANK_MAX && H5Sget_simple_extent_dims(space, size, NULL) == rank &&
                   H5Tget_class(stored) == H5Tget_class(wanted) && H5Tget_size(stored) == H5Tget_size(wanted);
    memset(shape, 0, sizeof *shape);
    if (is_good) {
        shape->rank = rank;
        for (int k = 0; k < rank; k++)
            shape->size[k] = size[k];
    }
    id_close(wanted);
    id_close(stored);
    id_close(space);
    id_close(dataset);
    if (!is_good)
        return sk_fail(err, SK_EENV, "%s: dataset %s has not the expected type and rank", file->path, path);
    return SK_OK;
}

enum sk_code sk_h5_resize(struct sk_h5 *file, const char *path, uint64_t rows, struct sk_error *err)
{
    hsize_t size[H5S_MAX_RANK];
    hid_t dataset = H5Dopen2(file->id, path, H5P_DEFAULT);
    hid_t space = dataset < 0 ? dataset : H5Dget_space(dataset);
    enum sk_code code = SK_OK;
    if (space < 0 || H5Sget_simple_extent_dims(space, size, NULL) < 1) {
        code = h5_fail(file, "open dataset", path, err);
    } else {
        size[0] = rows;
        if (H5Dset_extent(dataset, size) < 0)
            code = h5_fail(file, "resize dataset", path, err);
    }
    id_close(space);
    id_close(dataset);
    return code;
}

/* An open dataset with matching selections in file and memory. */
struct selection {
    hid_t dataset, in_file, in_memory, type, transfer;
};

static void selection_clear(struct selection *s)
{
    id_close(s->transfer);
    id_close(s->type);
    id_close(s->in_memory);
    id_close(s->in_file);
    id_close(s->dataset);
}

static bool selection_init(struct selection *s, struct sk_h5 *file, const char *path, enum sk_h5_type type,
                           const struct sk_h5_slab *slab)
{
    hsize_t offset[SK_H5_RANK_MAX], count[SK_H5_RANK_MAX];
    *s = (struct selection){-1, -1, -1, -1, -1};
    s->dataset = H5Dopen2(file->id, path, H5P_DEFAULT);
    if (s->dataset < 0)
        return false;
    s->in_file = H5Dget_space(s->dataset);
    s->type = type_memory(type);
    s->transfer = H5Pcreate(H5P_DATASET_XFER);
    int rank = H5Sget_simple_extent_ndims(s->in_file);
    if (rank < 1 || rank > SK_H5_RANK_MAX || s->type < 0 || s->transfer < 0)
        return false;
    for (int k = 0; k < rank; k++) {
        offset[k] = slab->offset[k];
        count[k] = slab->count[k];
    }
    if (!count[0]) {
        hsize_t one = 1;
        s->in_memory = H5Screate_simple(1, &one, NULL);
        return H5Sselect_none(s->in_file) >= 0 && s->in_memory >= 0 && H5Sselect_none(s->in_memory) >= 0;
    }
    s->in_memory = H5Screate_simple(rank, count, NULL);
    return s->in_memory >= 0 && H5Sselect_hyperslab(s->in_file, H5S_SELECT_SET, offset, NULL, count, NULL) >= 0;
}

/* Each rank transfers by itself. Slabs are contiguous in the file already, so two-phase collective transfers have
 * nothing to gather; and those of Open MPI 4.1 report success for failed writes, or hang
 * (tests/io/test_broken_disk.sh). */
enum sk_code sk_h5_write(struct sk_h5 *file, const char *path, enum sk_h5_type type, const struct sk_h5_slab *slab,
                         const void *data, struct sk_error *err)
{
    static const char nothing[8];
    struct selection s;
    enum sk_code code = SK_OK;
    if (!selection_init(&s, file, path, type, slab) ||
        H5Dwrite(s.dataset, s.type, s.in_memory, s.in_file, s.transfer, data ? data : nothing) < 0)
        code = h5_fail(file, "write dataset", path, err);
    selection_clear(&s);
    return code;
}

enum sk_code sk_h5_read(struct sk_h5 *file, const char *path, enum sk_h5_type type, const struct sk_h5_slab *slab,
                        void *data, struct sk_error *err)
{
    struct selection s;
    enum sk_code code = SK_OK;
    if (!selection_init(&s, file, path, type, slab) ||
        H5Dread(s.dataset, s.type, s.in_memory, s.in_file, s.transfer, data) < 0)
        code = h5_fail(file, "read dataset", path, err);
    selection_clear(&s);
    return code;
}
