/* Terms: checks and order of the bonded terms and virtual sites of a template. Owns nothing. Private to src/model.
 * Not here: what the forms mean (bonded.h), groups (topology.h). */
#ifndef SK_MODEL_TERMS_H
#define SK_MODEL_TERMS_H

#include "model/topology.h"

/* Sorts terms by form and sites by place; errors as of sk_moltype_finish. Constraints must be in order. Local. */
enum sk_code sk_moltype_order_terms(struct sk_moltype *type, struct sk_error *err);
/* Number of terms of a form. Terms must be in order. Local. */
int sk_moltype_terms(const struct sk_moltype *type, int form);

#endif
