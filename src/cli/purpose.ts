/** What help and manual both say of drover as a whole. */

export const purpose =
  'Launches processes on any number of Linux nodes, and answers for them until their end.';

export const whichCluster =
  'The cluster is that of --data DIR, else of DROVER_DATA, else the one that drover login or drover context use has chosen, else that of /var/lib/drover (root) or ~/.local/share/drover (anybody else).';
