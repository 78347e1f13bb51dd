/*
 * order.h: how a server hands a further attempt to a monitor that has had one: the frame of SV_START as the agent sent it, with
 * the attempt's record as a descriptor, on the socket pair between the two.
 *
 * A descriptor and not a name: a monitor that was slow to begin then writes to the record of this very start, as one that was
 * forked with it would, and finds there when a later server has said in its absence that it did not start.
 */
#ifndef DROVER_SUPERVISOR_ORDER_H
#define DROVER_SUPERVISOR_ORDER_H

#include "link.h"

#define SV_ORDER_MAX (32u << 10) /* fits into an empty socket; who is to start more than that is forked for it */

/* In one piece, without waiting. False: not all of it went; the connection is then of no use any more. */
bool sv_order_send(int socket, const struct sv_writer *frame, int record);

/*
 * Waits for one; what else is in the way was asked of the attempt before, and was answered by the server when that was over.
 * bytes has SV_ORDER_MAX, and the body lies in it. False: the server has let go or is gone.
 */
bool sv_order_await(struct sv_link *link, uint8_t *bytes, struct sv_frame *frame, int *record);

#endif
