/* Signals: what the batch system asks of a running job. Part of the process record: one flag for the process, set by
 * the handler, read by the step loop. */
#ifndef SK_BASE_SIGNALS_H
#define SK_BASE_SIGNALS_H

/* From now on SIGUSR1 and SIGTERM set the flag instead of ending the process. */
void sk_signals_catch(void);
/* The signal that came last, or 0. */
int sk_signals_pending(void);

#endif
