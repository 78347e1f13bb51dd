/** Version of the agents' link that this code speaks (link.proto). */
export const linkProtocolVersion = 1;

/** The fixed name in every controller certificate, used as SNI whatever host is dialled. */
export const controllerServerName = 'controller.drover';

/** Label of the keying material by which a renewal is bound to its connection (api.proto). */
export const renewalExporterLabel = 'EXPORTER-drover-renewal';
