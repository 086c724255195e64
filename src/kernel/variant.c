/* Compiled once for each instruction set, with -DSK_VARIANT=name. */
#include "kernel/variant.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/math.h"
#include "kernel/simd.h"

#define VARIANT_JOIN_(a, b) sk_##a##_##b
#define VARIANT_JOIN(a, b)  VARIANT_JOIN_(a, b)
#define VARIANT(name)       VARIANT_JOIN(name, SK_VARIANT)

#include "kernel/ewald_table.inc.h"

#include "kernel/switch.inc.h"

#include "kernel/pair.inc.h"

#include "kernel/prune.inc.h"

#include "kernel/energy.inc.h"

#include "kernel/lanes.inc.h"

#include "kernel/motion.inc.h"

#include "kernel/near.inc.h"

#include "kernel/fragment.inc.h"

#include "kernel/water.inc.h"

#include "kernel/fft.inc.h"

#include "kernel/mesh.inc.h"
