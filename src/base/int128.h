/* Int128: the wide integers that exact sums need. Owns nothing. */
#ifndef SK_BASE_INT128_H
#define SK_BASE_INT128_H

__extension__ typedef __int128 sk_int128;
__extension__ typedef unsigned __int128 sk_uint128;

#endif
