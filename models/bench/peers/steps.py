"""One training step at a time, for the bench of the kernel.

Reads one JSON object a line: first the shape, answered with the names of the tasks; then {"task": name}, answered with
the milliseconds that the step took. All peers train the kernel's network on the kernel's loss, with Adam; private steps
clip each window's gradient and add no noise, like the kernel's, which leaves noise to another package.
"""

import json
import os
import sys
import time

# Libraries size their pools by the cores they see: one.
cores = os.sched_getaffinity(0)
os.sched_setaffinity(0, {min(cores)})
shape = json.loads(sys.stdin.readline())
T, D, H, Z, B = (shape[k] for k in ("steps", "features", "hidden", "latent", "batch"))
CLIP = shape["clippingNorm"]
tasks = {}


def torch_tasks():
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    windows = torch.randn(B, T, D)

    class Autoencoder(torch.nn.Module):
        def __init__(self, lstm):
            super().__init__()
            self.encoder = lstm(D, H, batch_first=True)
            self.latent = torch.nn.Linear(H, Z)
            self.decoder = lstm(Z, H, batch_first=True)
            self.output = torch.nn.Linear(H, D)

        def forward(self, x):
            states, _ = self.encoder(x)
            code = self.latent(states[:, -1])
            states, _ = self.decoder(code[:, None, :].expand(-1, T, -1))
            return self.output(states)

    def loss_of(model, x):
        return 3 * torch.nn.functional.huber_loss(model(x), x)

    model = Autoencoder(torch.nn.LSTM)
    optimizer = torch.optim.Adam(model.parameters())

    def plain():
        optimizer.zero_grad()
        loss_of(model, windows).backward()
        optimizer.step()

    tasks["PyTorch plain"] = plain

    def scoring():
        with torch.no_grad():
            model(windows)

    tasks["PyTorch scoring"] = scoring

    # Per-sample gradients by hooks: ghost clipping takes as long for these layers, functorch and ExpandedWeights longer.
    def opacus_task():
        from opacus import PrivacyEngine
        from opacus.layers import DPLSTM

        private_model = Autoencoder(DPLSTM)
        data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(windows), batch_size=B)
        private_model, private_optimizer, _ = PrivacyEngine().make_private(
            module=private_model,
            optimizer=torch.optim.Adam(private_model.parameters()),
            data_loader=data,
            noise_multiplier=0.0,
            max_grad_norm=CLIP,
            poisson_sampling=False,
        )

        def private():
            private_optimizer.zero_grad()
            loss_of(private_model, windows).backward()
            private_optimizer.step()

        private()
        tasks["Opacus private"] = private

    opacus_task()


def jax_tasks():
    import jax
    import jax.numpy as jnp

    key = jax.random.PRNGKey(1)

    def draw(*size):
        return jax.random.uniform(key, size, minval=-0.2, maxval=0.2)

    parameters = {
        "encoder": (draw(D, 4 * H), draw(H, 4 * H), draw(4 * H)),
        "latent": (draw(H, Z), draw(Z)),
        "decoder": (draw(Z, 4 * H), draw(H, 4 * H), draw(4 * H)),
        "output": (draw(H, D), draw(D)),
    }
    windows = jax.random.normal(key, (B, T, D))

    def lstm(weights, inputs):
        w, u, b = weights

        def step(carry, x):
            h, c = carry
            i, f, g, o = jnp.split(x + h @ u, 4)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        return jax.lax.scan(step, (jnp.zeros(H), jnp.zeros(H)), inputs @ w + b)[1]

    def loss(p, window):
        code = lstm(p["encoder"], window)[-1] @ p["latent"][0] + p["latent"][1]
        states = lstm(p["decoder"], jnp.broadcast_to(code, (T, Z)))
        size = jnp.abs(window - (states @ p["output"][0] + p["output"][1]))
        inner = jnp.minimum(size, 1)
        return 3 * jnp.mean(inner * (size - 0.5 * inner))

    def adam(p, state, g):
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, state[0], g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, state[1], g)
        p = jax.tree.map(lambda a, x, y: a - 0.001 * x / (jnp.sqrt(y) + 1e-8), p, m, v)
        return p, (m, v)

    def plain(p, state):
        g = jax.grad(lambda q: jnp.mean(jax.vmap(loss, (None, 0))(q, windows)))(p)
        return adam(p, state, g)

    def private(p, state):
        g = jax.vmap(jax.grad(loss), (None, 0))(p, windows)
        squares = sum(jnp.sum(x.reshape(B, -1) ** 2, 1) for x in jax.tree.leaves(g))
        factor = jnp.minimum(1, CLIP / jnp.sqrt(squares)) / B
        return adam(p, state, jax.tree.map(lambda x: jnp.tensordot(factor, x, 1), g))

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    for name, step in (("JAX plain", plain), ("JAX private", private)):
        compiled = jax.jit(step)
        tasks[name] = lambda run=compiled: jax.block_until_ready(run(parameters, (zeros, zeros)))


for add in (torch_tasks, jax_tasks):
    try:
        add()
    except ImportError:
        pass  # the other peers are still worth a race

os.sched_setaffinity(0, cores)
print(json.dumps(list(tasks)), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    tasks[json.loads(line)["task"]]()
    print(json.dumps(1000 * (time.perf_counter() - start)), flush=True)
