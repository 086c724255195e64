'use strict';
// Territories from the data block that skein wrote, and their surfaces as vertices of STRIDE bytes: place (in eighths of
// a drawn cell, so that the cubes of a ghost shell can be smaller), rank, middle of the territory, side of the cell.
const territories = (function () {
  const data = JSON.parse(document.getElementById('data').textContent);
  const m = data.drawn, R = data.ranks, CELLS = m[0] * m[1] * m[2], UNIT = 8, STRIDE = 12;

  // ---- data

  function bytes(text) {
    const raw = atob(text), out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }

  // Seven bits a byte, low ones first, the eighth says that more follow.
  function* varints(text) {
    let value = 0, scale = 1;
    for (const byte of bytes(text)) {
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) {
        yield value;
        value = 0;
        scale = 1;
      }
    }
  }

  function ownersOf(scheme) {
    if (!scheme.map) {
      scheme.map = new Int32Array(CELLS);
      const numbers = [...varints(scheme.owners)];
      for (let i = 0, at = 0; i < numbers.length; at += numbers[i + 1], i += 2)
        scheme.map.fill(numbers[i], at, at + numbers[i + 1]);
      const each = [...varints(scheme.by_rank)], width = data.by_rank.length;
      scheme.rows = Array.from({ length: R }, (_, r) => each.slice(r * width, (r + 1) * width));
      const sum = new Float64Array(4 * R), low = new Int16Array(3 * R).fill(32767), high = new Int16Array(3 * R).fill(-1);
      for (let i = 0, z = 0; z < m[2]; z++)
        for (let y = 0; y < m[1]; y++)
          for (let x = 0; x < m[0]; x++, i++) {
            const at = 4 * scheme.map[i], from = 3 * scheme.map[i];
            low[from] = Math.min(low[from], x); low[from + 1] = Math.min(low[from + 1], y); low[from + 2] = Math.min(low[from + 2], z);
            high[from] = Math.max(high[from], x + 1); high[from + 1] = Math.max(high[from + 1], y + 1); high[from + 2] = Math.max(high[from + 2], z + 1);
            sum[at] += x + 0.5; sum[at + 1] += y + 0.5; sum[at + 2] += z + 0.5; sum[at + 3]++;
          }
      Object.assign(scheme, { low, high, centre: new Uint8Array(3 * R) });
      for (let r = 0; r < R; r++)
        for (let k = 0; k < 3; k++)
          scheme.centre[3 * r + k] = sum[4 * r + 3] ? Math.round(255 * sum[4 * r + k] / sum[4 * r + 3] / m[k]) : 127;
    }
    return scheme.map;
  }

  // ---- surfaces

  function Store() {
    let words = new Int16Array(6 << 12), used = 0;
    return {
      put(p, rank, centre, face) {
        if (used + 6 > words.length) {
          const more = new Int16Array(2 * words.length);
          more.set(words);
          words = more;
        }
        words[used] = p[0]; words[used + 1] = p[1]; words[used + 2] = p[2]; words[used + 3] = rank;
        words[used + 4] = centre[3 * rank] | centre[3 * rank + 1] << 8;
        words[used + 5] = centre[3 * rank + 2] | face << 8;
        used += 6;
      },
      count: () => used / 6,
      bytes: () => new Uint8Array(words.buffer, 0, 2 * used),
    };
  }

  function indices(vertices) {
    const out = new Uint32Array(vertices / 4 * 6);
    for (let i = 0, v = 0; v < vertices; v += 4) {
      out[i++] = v; out[i++] = v + 1; out[i++] = v + 2; out[i++] = v; out[i++] = v + 2; out[i++] = v + 3;
    }
    return out;
  }

  // Owners with a layer of -1 all around, and -1 beyond the cut.
  function padded(map, axis, kept) {
    const size = [m[0] + 2, m[1] + 2, m[2] + 2], out = new Int32Array(size[0] * size[1] * size[2]).fill(-1);
    const to = [m[0], m[1], m[2]];
    to[axis] = Math.min(to[axis], kept);
    for (let z = 0; z < to[2]; z++)
      for (let y = 0; y < to[1]; y++) {
        const from = m[0] * (y + m[1] * z);
        out.set(map.subarray(from, from + to[0]), 1 + size[0] * (y + 1 + size[1] * (z + 1)));
      }
    return { owner: out, step: [1, size[0], size[0] * size[1]] };
  }

  // Faces between cells of different owners, rectangles of one owner merged.
  function faces(grid, centre) {
    const store = Store(), p = [0, 0, 0];
    for (let d = 0; d < 3; d++) {
      const u = (d + 1) % 3, v = (d + 2) % 3, mask = new Int32Array(m[u] * m[v]);
      for (let side = 0; side < 2; side++)
        for (let layer = 0; layer < m[d]; layer++) {
          const other = side ? grid.step[d] : -grid.step[d];
          let any = false;
          for (let j = 0, i = 0; j < m[v]; j++)
            for (let k = 0; k < m[u]; k++, i++) {
              const at = (layer + 1) * grid.step[d] + (k + 1) * grid.step[u] + (j + 1) * grid.step[v];
              const own = grid.owner[at];
              mask[i] = own >= 0 && own !== grid.owner[at + other] ? own : -1;
              any = any || mask[i] >= 0;
            }
          for (let j = 0; any && j < m[v]; j++)
            for (let k = 0; k < m[u];) {
              const rank = mask[k + m[u] * j];
              let w = 1, h = 1;
              if (rank >= 0) {
                while (k + w < m[u] && mask[k + w + m[u] * j] === rank) w++;
                const isRow = row => { for (let x = k; x < k + w; x++) if (mask[x + m[u] * row] !== rank) return false; return true; };
                while (j + h < m[v] && isRow(j + h)) h++;
                for (let y = j; y < j + h; y++) mask.fill(-1, k + m[u] * y, k + w + m[u] * y);
                p[d] = UNIT * (layer + side);
                for (const [a, b] of [[0, 0], [w, 0], [w, h], [0, h]]) {
                  p[u] = UNIT * (k + a); p[v] = UNIT * (j + b);
                  store.put(p, rank, centre, 2 * d + side);
                }
              }
              k += w;
            }
        }
    }
    return store;
  }

  // Where the surface of a territory has an edge: of the four cells around a line one or three are its own, or two
  // across. Lines of one owner are joined.
  function edges(grid, centre) {
    const store = Store(), p = [0, 0, 0], four = [0, 0, 0, 0];
    for (let d = 0; d < 3; d++) {
      const u = (d + 1) % 3, v = (d + 2) % 3;
      for (let j = 0; j <= m[v]; j++)
        for (let k = 0; k <= m[u]; k++) {
          let open = [];
          const end = (line, at) => {
            p[u] = UNIT * k; p[v] = UNIT * j;
            p[d] = UNIT * line.from; store.put(p, line.rank, centre, 6);
            p[d] = UNIT * at; store.put(p, line.rank, centre, 6);
          };
          for (let t = 0; t < m[d]; t++) {
            const at = (t + 1) * grid.step[d] + k * grid.step[u] + j * grid.step[v];
            four[0] = grid.owner[at]; four[1] = grid.owner[at + grid.step[u]];
            four[2] = grid.owner[at + grid.step[u] + grid.step[v]]; four[3] = grid.owner[at + grid.step[v]];
            if (!open.length && four[0] === four[1] && four[1] === four[2] && four[2] === four[3]) continue;
            const now = [];
            for (let i = 0; i < 4; i++) {
              const rank = four[i];
              if (rank < 0 || four.indexOf(rank) < i) continue;
              let own = 0;
              for (let q = 0; q < 4; q++) own += four[q] === rank;
              if (own === 1 || own === 3 || (own === 2 && four[(i + 2) % 4] === rank)) now.push(rank);
            }
            open = open.filter(line => now.includes(line.rank) || (end(line, t), false));
            for (const rank of now) if (!open.some(line => line.rank === rank)) open.push({ rank, from: t });
          }
          for (const line of open) end(line, m[d]);
        }
    }
    return store;
  }

  // Cells of other ranks within the reach of the shell, periodically, where they are seen from the territory: beyond the border of
  // the box as images.
  function shellOf(map, rank, centre) {
    const store = Store(), images = new Set(), ghosts = new Set(), p = [0, 0, 0], low = [Infinity, Infinity, Infinity], high = [0, 0, 0];
    const D = data.reach, wrap = (a, k) => (a + D * m[k]) % m[k], width = m[0] + 2 * D, depth = width * (m[1] + 2 * D);
    for (let i = 0; i < CELLS; i++) {
      if (map[i] !== rank) continue;
      const x = i % m[0], y = Math.floor(i / m[0]) % m[1], z = Math.floor(i / m[0] / m[1]);
      [x, y, z].forEach((at, k) => { low[k] = Math.min(low[k], at - D); high[k] = Math.max(high[k], at + 1 + D); });
      for (let c = z - D; c <= z + D; c++)
        for (let b = y - D; b <= y + D; b++)
          for (let a = x - D; a <= x + D; a++) {
            const cell = wrap(a, 0) + m[0] * (wrap(b, 1) + m[1] * wrap(c, 2)), image = a + D + width * (b + D) + depth * (c + D);
            if (map[cell] === rank || images.has(image)) continue;
            images.add(image);
            ghosts.add(cell);
            for (let d = 0; d < 3; d++)
              for (let side = 0; side < 2; side++)
                for (const [s, t] of [[0, 0], [1, 0], [1, 1], [0, 1]]) {
                  const at = [a, b, c];
                  p[d] = UNIT * at[d] + (side ? 5 : 3);
                  p[(d + 1) % 3] = UNIT * at[(d + 1) % 3] + (s ? 5 : 3);
                  p[(d + 2) % 3] = UNIT * at[(d + 2) % 3] + (t ? 5 : 3);
                  store.put(p, map[cell], centre, 2 * d + side);
                }
          }
    }
    return { store, ghosts: ghosts.size, low, high };
  }

  return { data, m, R, STRIDE, bytes, ownersOf, indices, padded, faces, edges, shellOf };
})();
