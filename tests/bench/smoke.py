"""Whether everything that is measured works, and gives the very bytes. Nothing here is timed."""

import load
import measure


def run(tftp_servers, http_servers):
    """Raises where a server or the generator does not do what the figures rest on."""
    checked = 0
    windowed = measure.windows(tftp_servers)
    assert windowed["Hearth"], "Hearth does not answer windowsize"
    for server in tftp_servers:
        for clients, block_size, window in ((1, 512, 1), (3, 1432, 4), (5, 1468, 16)):
            got = load.run(load.tftp(server, clients, block_size, window, "--each", 2, "--verify"))
            agreed = window if windowed[server.name] else 1
            assert got["failures"] == 0, f"{server.name}: {got}"
            assert got["transfers"] == 2 * clients, f"{server.name}: {got}"
            assert got["bytes"] == 2 * clients * load.TFTP_BYTES, f"{server.name}: {got}"
            assert (got["block_size"], got["window"]) == (block_size, agreed), f"{server.name}: {got}"
            checked += got["transfers"]
    for server in http_servers:
        for more in ((), ("--close",)):
            got = load.run(load.http(server, 2, "--each", 1, "--verify", *more))
            assert got["failures"] == 0, f"{server.name}: {got}"
            assert got["bytes"] == 2 * load.HTTP_BYTES, f"{server.name}: {got}"
            checked += got["transfers"]
    for server in (*tftp_servers, *http_servers):
        assert server.account.cpu() > 0, f"no CPU time seen of {server.name}"
        assert server.account.memory() > 100_000, f"no memory seen of {server.name}"
    kinds = (measure.Cell("tftp", 40, 1468, 16), tftp_servers), (measure.Cell("http", 10), http_servers)
    for cell, servers in kinds:
        for server in servers:
            sample = measure.run(server, cell, 0.3)
            assert sample.failures == 0 and sample.cost > 0, f"{server.name}: {sample}"
    return checked
