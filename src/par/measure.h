/* Measure: what a program that measures the machine needs beside comm.h: a communicator of one, and waiting that leaves
 * the core to others. Not here: what is measured (app). */
#ifndef SK_PAR_MEASURE_H
#define SK_PAR_MEASURE_H

#include "par/comm.h"

/* Local. A communicator of this process alone; MPI must have been initialised. Free with sk_comm_free. */
struct sk_comm *sk_comm_new_alone(void);
/* Collective. A barrier in which those who wait sleep: cores stay free, to about a millisecond. */
void sk_comm_wait_asleep(struct sk_comm *comm);

#endif
