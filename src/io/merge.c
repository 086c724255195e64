#include "io/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define END_MARK INT64_MAX

struct sk_merge {
    struct sk_comm *comm;
    struct sk_merge_plan plan;
    size_t record_size;
    int n;
    const sk_gid *id;          /* borrowed */
    int32_t *order;            /* [n] by id */
    struct sk_parcel *parcels; /* [writers] */
    unsigned char *outgoing, *merged;
    size_t outgoing_capacity;
};

/* What one rank sent: at is the lookahead record. */
struct stream {
    const unsigned char *at, *end;
    sk_gid id;
};

struct sk_merge_plan sk_merge_plan_make(int64_t natoms, int ranks, int64_t unit, int64_t piece)
{
    struct sk_merge_plan plan = {natoms, unit, piece, 1, 0};
    SK_REQUIRE(unit > 0 && piece > 0 && unit % piece == 0 && ranks > 0);
    int64_t units = (natoms + unit - 1) / unit;
    if (units > 1)
        plan.writers = units < ranks ? (int)units : ranks;
    int64_t longest = (units + plan.writers - 1) / plan.writers;
    plan.rounds = longest * (unit / piece);
    return plan;
}

void sk_merge_piece(const struct sk_merge_plan *plan, int writer, int64_t round, sk_gid *first, int64_t *n)
{
    *first = 0;
    *n = 0;
    if (writer >= plan->writers)
        return;
    int64_t units = (plan->natoms + plan->unit - 1) / plan->unit;
    int64_t last = (units * (writer + 1) / plan->writers) * plan->unit;
    *first = (units * writer / plan->writers) * plan->unit + round * plan->piece;
    if (last > plan->natoms)
        last = plan->natoms;
    if (*first < last)
        *n = last - *first < plan->piece ? last - *first : plan->piece;
}

static int compare_ids(const void *a, const void *b, void *id)
{
    sk_gid x = ((const sk_gid *)id)[*(const int32_t *)a], y = ((const sk_gid *)id)[*(const int32_t *)b];
    return (x > y) - (x < y);
}

enum sk_code sk_merge_new(struct sk_comm *comm, const struct sk_merge_plan *plan, int n, const sk_gid *id,
                          size_t record_size, struct sk_merge **merge, struct sk_error *err)
{
    struct sk_merge *m = sk_calloc(1, sizeof *m);
    enum sk_code code = SK_OK;
    SK_REQUIRE(record_size >= sizeof(sk_gid));
    m->comm = comm;
    m->plan = *plan;
    m->record_size = record_size;
    m->n = n;
    m->id = id;
    m->order = sk_alloc((size_t)n, sizeof *m->order);
    m->parcels = sk_calloc((size_t)plan->writers, sizeof *m->parcels);
    if (sk_comm_rank(comm) < plan->writers) {
        int64_t held = plan->natoms < plan->piece ? plan->natoms : plan->piece;
        m->merged = sk_alloc((size_t)held, record_size);
    }
    for (int i = 0; i < n; i++) {
        m->order[i] = i;
        if (id[i] < 0 || id[i] >= plan->natoms)
            code = sk_fail(err, SK_EINTERNAL, "output: rank %d owns atom %lld of a system of %lld atoms",
                           sk_comm_rank(comm), (long long)id[i] + 1, (long long)plan->natoms);
    }
    qsort_r(m->order, (size_t)n, sizeof *m->order, compare_ids, (void *)(uintptr_t)id);
    *merge = m;
    code = sk_comm_agree(comm, err, code);
    if (code)
        sk_merge_free(merge);
    return code;
}

void sk_merge_free(struct sk_merge **merge)
{
    struct sk_merge *m = *merge;
    if (!m)
        return;
    sk_free(&m->order);
    sk_free(&m->parcels);
    sk_free(&m->outgoing);
    sk_free(&m->merged);
    sk_free(merge);
}

/* Place in the order of the first atom whose id is not below `id`. */
static int order_find(const struct sk_merge *m, sk_gid id)
{
    int low = 0, high = m->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (m->id[m->order[middle]] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Fills the parcels of this round; returns how many. */
static int parcels_fill(struct sk_merge *m, int64_t round, sk_merge_fill *fill, const void *context)
{
    const sk_gid mark = END_MARK;
    size_t length = 0;
    int count = 0;
    sk_gid first;
    int64_t n;
    /* Lengths first: the buffer may move while it grows. */
    for (int w = 0; w < m->plan.writers; w++) {
        sk_merge_piece(&m->plan, w, round, &first, &n);
        int have = order_find(m, first + n) - order_find(m, first);
        m->parcels[count].rank = w;
        m->parcels[count].length = have ? (size_t)have * m->record_size + sizeof mark : 0;
        length += m->parcels[count].length;
        count += have > 0;
    }
    sk_reserve(&m->outgoing, &m->outgoing_capacity, length);
    unsigned char *at = m->outgoing;
    for (int p = 0; p < count; p++) {
        sk_merge_piece(&m->plan, m->parcels[p].rank, round, &first, &n);
        m->parcels[p].bytes = at;
        int last = order_find(m, first + n);
        for (int k = order_find(m, first); k < last; k++, at += m->record_size)
            fill(context, m->order[k], at);
        memcpy(at, &mark, sizeof mark);
        at += sizeof mark;
    }
    return count;
}

/* Reads the lookahead id; the end mark must be the stream's last word. */
static void stream_look(struct stream *s, size_t record_size)
{
    SK_REQUIRE((size_t)(s->end - s->at) >= sizeof s->id);
    memcpy(&s->id, s->at, sizeof s->id);
    if (s->id == END_MARK)
        SK_REQUIRE((size_t)(s->end - s->at) == sizeof s->id);
    else
        SK_REQUIRE((size_t)(s->end - s->at) >= record_size + sizeof s->id);
}

/* Lets heap[i] sink to its place: smallest id on top, an ended stream is the largest. */
static void heap_sink(struct stream *heap, int count, int i)
{
    for (;;) {
        int least = i, left = 2 * i + 1, right = 2 * i + 2;
        if (left < count && heap[left].id < heap[least].id)
            least = left;
        if (right < count && heap[right].id < heap[least].id)
            least = right;
        if (least == i)
            return;
        struct stream swapped = heap[i];
        heap[i] = heap[least];
        heap[least] = swapped;
        i = least;
    }
}

/* Merges what was received into ids first, first + 1, ... first + n - 1, each exactly once. */
static enum sk_code streams_merge(struct sk_merge *m, const struct sk_receipt *receipt, sk_gid first, int64_t n,
                                  struct sk_error *err)
{
    int count = receipt->count;
    struct stream *heap = sk_alloc((size_t)count, sizeof *heap);
    enum sk_code code = SK_OK;
    sk_gid next = first;
    for (int s = 0; s < count; s++) {
        heap[s].at = receipt->parcels[s].bytes;
        heap[s].end = heap[s].at + receipt->parcels[s].length;
        stream_look(&heap[s], m->record_size);
    }
    for (int i = count / 2 - 1; i >= 0; i--)
        heap_sink(heap, count, i);
    while (count && heap[0].id != END_MARK && heap[0].id == next && next < first + n) {
        memcpy(m->merged + (size_t)(next - first) * m->record_size, heap[0].at, m->record_size);
        heap[0].at += m->record_size;
        stream_look(&heap[0], m->record_size);
        heap_sink(heap, count, 0);
        next++;
    }
    if (count && heap[0].id != END_MARK && heap[0].id < next)
        code = sk_fail(err, SK_EINTERNAL, "output: atom %lld exists twice", (long long)heap[0].id + 1);
    else if (next != first + n)
        code = sk_fail(err, SK_EINTERNAL, "output: atom %lld belongs to no rank", (long long)next + 1);
    sk_free(&heap);
    return code;
}

enum sk_code sk_merge_round(struct sk_merge *m, int64_t round, sk_merge_fill *fill, const void *context,
                            const void **records, struct sk_error *err)
{
    struct sk_receipt receipt;
    sk_gid first;
    int64_t n;
    int count = parcels_fill(m, round, fill, context);
    sk_comm_exchange(m->comm, m->parcels, count, &receipt);
    sk_merge_piece(&m->plan, sk_comm_rank(m->comm), round, &first, &n);
    enum sk_code code = streams_merge(m, &receipt, first, n, err);
    sk_receipt_clear(&receipt);
    *records = m->merged;
    return sk_comm_agree(m->comm, err, code);
}
