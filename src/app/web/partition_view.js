'use strict';
// The 3-D view and its controls.
(function () {
  const { data, m, R, STRIDE, bytes, ownersOf, indices, padded, faces, edges, shellOf } = territories;
  const $ = id => document.getElementById(id), canvas = document.querySelector('#stage canvas'), stage = $('stage');
  const isSampled = m.some((edge, k) => edge !== data.cells[k]);

  // ---- state: what the controls say; the part after # of the address sets it, for links

  const worst = scheme => { ownersOf(scheme); const k = data.by_rank.indexOf(data.has_atoms ? 'ghost_atoms' : 'ghosts');
    return scheme.rows.reduce((best, row, r) => row[k] > scheme.rows[best][k] ? r : best, 0); };
  const START = { scheme: 0, yaw: 0.62, pitch: 0.46, zoom: 1, explode: 18, peel: R, axis: 2, cut: 0, hide: '', rank: -1,
    shell: false, turns: !matchMedia('(prefers-reduced-motion: reduce)').matches };
  const state = { ...START };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1)))
    if (key in state && key !== 'hide') state[key] = Number(value) || 0; else if (key === 'hide') state.hide = value;

  function hidden() {
    const out = new Set();
    for (const [, first, last] of state.hide.matchAll(/(\d+)(?:\s*-\s*(\d+))?/g))
      for (let r = Number(first); r <= Math.min(R - 1, Number(last || first)); r++) out.add(r);
    return out;
  }

  // ---- drawing

  const LOOK = `
    uniform mat4 view; uniform vec3 size, cell; uniform float explode, bias; uniform vec2 palette; uniform sampler2D ranks;
    attribute vec3 position; attribute float rank; attribute vec4 centre;
    varying vec4 colour; varying vec3 place; varying float face;
    void main() {
      vec3 at = position / 8.0, away = (centre.xyz / 255.0 - 0.5) * size * explode;
      colour = texture2D(ranks, vec2(mod(rank, 256.0) + 0.5, floor(rank / 256.0) + 0.5) / palette);
      place = at; face = centre.w;
      gl_Position = view * vec4((at - 0.5 * size + away) * cell, 1.0);
      gl_Position.z -= bias * gl_Position.w;
      if (colour.a < 0.5) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
      #ifdef NUMBERED
      colour = vec4(mod(rank, 256.0), floor(rank / 256.0), 0.0, 255.0) / 255.0;
      #endif
    }`;
  // One shade for each side of a cube, fixed to the box; the borders of cells where they are not too dense.
  const SOLID = `#extension GL_OES_standard_derivatives : enable
    precision highp float;
    uniform float grid; varying vec4 colour; varying vec3 place; varying float face;
    void main() {
      float axis = floor(face / 2.0 + 0.01), side = face - 2.0 * axis;
      float shade = axis < 0.5 ? mix(0.80, 0.88, side) : axis < 1.5 ? mix(0.70, 0.78, side) : mix(0.62, 1.0, side);
      vec3 across = vec3(axis < 0.5, axis > 0.5 && axis < 1.5, axis > 1.5), wide = fwidth(place);
      vec3 off = abs(fract(place - 0.5) - 0.5) / max(wide, vec3(1e-5)) + 1e3 * across;
      vec3 dense = wide * (1.0 - across);
      float fade = 1.0 - smoothstep(0.08, 0.3, max(dense.x, max(dense.y, dense.z)));
      float line = 1.0 - min(1.0, min(off.x, min(off.y, off.z)));
      gl_FragColor = vec4(colour.rgb * shade * (1.0 - grid * line * fade), 1.0);
    }`;
  const LINE = `precision mediump float; uniform vec4 ink; void main() { gl_FragColor = ink; }`;
  const FLAT = `precision highp float; varying vec4 colour; void main() { gl_FragColor = colour; }`;

  const edge = data.box.map((e, k) => e / m[k]), half = 0.5 * Math.hypot(...data.box), scale = edge.map(e => e / half);
  const FIELD = 26 * Math.PI / 180;

  function product(a, b) {
    const out = new Float32Array(16);
    for (let c = 0; c < 4; c++)
      for (let r = 0; r < 4; r++)
        for (let k = 0; k < 4; k++) out[4 * c + r] += a[4 * k + r] * b[4 * c + k];
    return out;
  }

  function viewMatrix() {
    const aspect = stage.clientWidth / stage.clientHeight;
    const focus = shell && shell.middle ? shell : { middle: [0, 0, 0], radius: Math.hypot(...bounds()) };
    const radius = 1.03 * focus.radius / state.zoom, distance = radius / Math.sin(FIELD / 2) / Math.min(1, aspect);
    const near = Math.max(0.02, distance - 3.5), far = distance + 3.5, f = 1 / Math.tan(FIELD / 2);
    const sy = Math.sin(state.yaw), cy = Math.cos(state.yaw), sp = Math.sin(state.pitch), cp = Math.cos(state.pitch);
    // z of the box is up; yaw turns about it, pitch looks down on it.
    const turn = [cy, sy * sp, -sy * cp, 0, -sy, cy * sp, -cy * cp, 0, 0, cp, sp, 0, 0, 0, -distance, 1];
    const lens = [f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, (far + near) / (near - far), -1, 0, 0, 2 * far * near / (near - far), 0];
    const move = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, ...focus.middle.map(at => -at), 1];
    return product(lens, product(turn, move));
  }

  let regl, mesh = null, shell = null, dirty = true, palette, texture, draw, target;

  function upload(store, primitive) {
    const vertices = store.count(), buffer = regl.buffer(store.bytes());
    return { buffer, vertices, elements: primitive === 'triangles' ? regl.elements({ data: indices(vertices), type: 'uint32', primitive }) : null };
  }

  function release(part) {
    if (part) { part.buffer.destroy(); if (part.elements) part.elements.destroy(); }
  }

  function rebuild() {
    const scheme = data.schemes[state.scheme], map = ownersOf(scheme);
    const grid = padded(map, state.axis, state.cut || m[state.axis]);
    if (mesh) { release(mesh.faces); release(mesh.edges); }
    mesh = { faces: upload(faces(grid, scheme.centre), 'triangles'), edges: upload(edges(grid, scheme.centre), 'lines') };
    reshell();
  }

  function reshell() {
    const scheme = data.schemes[state.scheme];
    release(shell);
    shell = null;
    if (state.shell) {
      const found = shellOf(ownersOf(scheme), state.rank, scheme.centre);
      shell = upload(found.store, 'triangles');
      shell.ghosts = found.ghosts;
      // Looked at from near, unless it has no cells here.
      if (found.low[0] < Infinity) {
        shell.middle = found.low.map((low, k) => (0.5 * (low + found.high[k]) - 0.5 * m[k]) * scale[k]);
        shell.radius = 0.5 * Math.hypot(...found.low.map((low, k) => (found.high[k] - low) * scale[k]));
      }
    }
    recolour();
  }

  // Alpha: 1 is drawn, 0 is not.
  function recolour() {
    const off = hidden(), solid = new Uint8Array(palette.data), seen = new Uint8Array(palette.data);
    for (let r = 0; r < R; r++) {
      const isSeen = r < state.peel && !off.has(r);
      solid[4 * r + 3] = (state.shell ? r === state.rank : isSeen) ? 255 : 0;
      seen[4 * r + 3] = isSeen ? 255 : 0;
    }
    const shape = { width: palette.width, height: palette.height };
    texture.solid({ ...shape, data: solid });
    texture.seen({ ...shape, data: seen });
    dirty = true;
  }

  function setUp() {
    const colours = bytes(data.colours), width = 256, height = Math.ceil(R / 256);
    palette = { width, height, data: new Uint8Array(4 * width * height).fill(255) };
    for (let r = 0; r < R; r++) palette.data.set(colours.subarray(3 * r, 3 * r + 3), 4 * r);
    texture = { solid: regl.texture(palette), seen: regl.texture(palette), all: regl.texture(palette) };
    target = regl.framebuffer({ width: 1, height: 1, depth: true });
    const prop = regl.prop, attribute = (type, size, offset) => ({ buffer: prop('part.buffer'), type, size, offset, stride: STRIDE });
    const common = {
      attributes: { position: attribute('int16', 3, 0), rank: attribute('uint16', 1, 6), centre: attribute('uint8', 4, 8) },
      uniforms: { view: prop('view'), size: m, cell: scale, explode: prop('explode'), palette: [width, height],
        ranks: prop('ranks'), bias: 0, grid: prop('grid') },
      vert: LOOK, elements: prop('part.elements'),
    };
    const blend = { enable: true, func: { srcRGB: 'src alpha', dstRGB: 'one minus src alpha', srcAlpha: 'one', dstAlpha: 'one minus src alpha' } };
    draw = {
      solid: regl({ ...common, frag: SOLID }),
      pick: regl({ ...common, vert: '#define NUMBERED\n' + LOOK, frag: FLAT, framebuffer: target }),
      lines: regl({ ...common, elements: undefined, uniforms: { ...common.uniforms, bias: 0.0004, ink: prop('ink') }, frag: LINE, primitive: 'lines',
        count: prop('part.vertices'), depth: { enable: true, mask: false }, blend }),
      frame: regl({ vert: 'uniform mat4 view; attribute vec3 position; void main() { gl_Position = view * vec4(position, 1.0); }',
        frag: LINE, attributes: { position: prop('corners') }, uniforms: { view: prop('view'), ink: prop('ink') },
        count: prop('count'), primitive: 'lines', depth: { enable: true, mask: false }, blend }),
    };
  }

  // Half the edges of the box that holds the exploded territories.
  function bounds() {
    const scheme = data.schemes[state.scheme], explode = state.shell ? 0 : state.explode / 100, key = explode + ' ' + state.scheme;
    if (bounds.key !== key) {
      bounds.key = key;
      bounds.half = m.map((edges, k) => {
        let most = 0.5 * edges;
        for (let i = k; i < 3 * R; i += 3)
          if (scheme.high[i] >= 0) {
            const away = (scheme.centre[i] / 255 - 0.5) * edges * explode - 0.5 * edges;
            most = Math.max(most, scheme.high[i] + away, -scheme.low[i] - away);
          }
        return most * scale[k];
      });
    }
    return bounds.half;
  }

  function boxLines() {
    const out = [], h = bounds();
    for (let d = 0; d < 3; d++)
      for (const a of [-1, 1])
        for (const b of [-1, 1])
          for (const end of [-1, 1]) {
            const p = [0, 0, 0];
            p[d] = end * h[d]; p[(d + 1) % 3] = a * h[(d + 1) % 3]; p[(d + 2) % 3] = b * h[(d + 2) % 3];
            out.push(p);
          }
    return out;
  }

  const isDark = matchMedia('(prefers-color-scheme: dark)');
  const labels = Array.from({ length: 9 }, () => $('labels').appendChild(document.createElement('span')));

  // Each axis is named along an edge of the box's outline, so that nothing is written over the territories: the lowest
  // such edge for x and y, the leftmost for z.
  function placeLabels(view, half) {
    const W = stage.clientWidth, H = stage.clientHeight;
    const project = p => {
      const [x, y, w] = [0, 1, 3].map(r => view[r] * p[0] + view[4 + r] * p[1] + view[8 + r] * p[2] + view[12 + r]);
      return [(0.5 + 0.5 * x / w) * W, (0.5 - 0.5 * y / w) * H];
    };
    // A face is seen if its corners go round counterclockwise on the screen.
    const isSeen = (d, side) => {
      const u = (d + 1) % 3, v = (d + 2) % 3, corner = (a, b) => {
        const p = [0, 0, 0];
        p[d] = side * half[d]; p[u] = a * half[u]; p[v] = b * half[v];
        return project(p);
      };
      const [o, a, b] = [corner(-1, -1), corner(1, -1), corner(-1, 1)];
      return side * ((a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])) < 0;
    };
    const middle = project([0, 0, 0]);
    for (let d = 0; d < 3; d++) {
      const u = (d + 1) % 3, v = (d + 2) % 3;
      let best = null;
      for (const a of [-1, 1])
        for (const b of [-1, 1]) {
          if (isSeen(u, a) === isSeen(v, b)) continue;
          const ends = [-1, 0, 1].map(t => { const p = [0, 0, 0]; p[d] = t * half[d]; p[u] = a * half[u]; p[v] = b * half[v]; return project(p); });
          const rank = d < 2 ? ends[1][1] : -ends[1][0];
          if (!best || rank > best.rank) best = { ends, rank };
        }
      const text = ['0', 'xyz'[d], data.has_atoms ? data.box[d].toPrecision(3) + ' ' + data.length_unit : String(data.cells[d])];
      for (let i = 0; i < 3; i++) {
        const label = labels[3 * d + i];
        const isShown = best && Math.hypot(best.ends[2][0] - best.ends[0][0], best.ends[2][1] - best.ends[0][1]) > 40;
        label.style.visibility = isShown ? 'visible' : 'hidden';
        if (!isShown) continue;
        const [x, y] = best.ends[i], mid = best.ends[1], along = [best.ends[2][0] - best.ends[0][0], best.ends[2][1] - best.ends[0][1]];
        const length = Math.hypot(...along) || 1, side = Math.sign(along[1] * (middle[0] - mid[0]) - along[0] * (middle[1] - mid[1])) || 1;
        // Away from the box across the edge; the ends a little inwards, so that two axes share a corner.
        const inward = i === 1 ? 0 : (1 - i) * Math.min(16, 0.2 * length), push = (i === 1 ? 20 : 17) + (i === 2 && d === 2 ? 8 : 0);
        const px = x - side * along[1] / length * push + along[0] / length * inward, py = y + side * along[0] / length * push + along[1] / length * inward;
        label.textContent = text[i];
        label.className = i === 1 ? 'name' : '';
        label.style.transform = `translate(${px.toFixed(1)}px, ${py.toFixed(1)}px) translate(-50%, -50%)`;
      }
    }
  }

  function paint() {
    const dense = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.max(1, Math.round(stage.clientWidth * dense)), height = Math.max(1, Math.round(stage.clientHeight * dense));
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    regl.poll();
    const view = viewMatrix(), box = boxLines(), explode = state.shell ? 0 : state.explode / 100;
    const shared = { view, explode, ranks: texture.solid, grid: 0.13 }, frame = isDark.matches ? [0.62, 0.67, 0.72, 0.4] : [0.1, 0.12, 0.14, 0.3];
    regl.clear({ color: [0, 0, 0, 0], depth: 1 });
    if (state.explode < 1 || state.shell || state.cut || state.peel < R || state.hide)
      draw.frame({ view, ink: frame, corners: box, count: box.length });
    if (mesh.faces.vertices) draw.solid({ ...shared, part: mesh.faces });
    if (shell && shell.vertices) draw.solid({ ...shared, part: shell, ranks: texture.all, grid: 0 });
    if (mesh.edges.vertices) {
      draw.lines({ ...shared, part: mesh.edges, ink: [0.04, 0.05, 0.06, 0.85] });
      // The other territories as lines, fainter the more there are.
      const faint = Math.max(0.02, Math.min(0.08, 400 / mesh.edges.vertices)), tone = isDark.matches ? 1 : 0;
      if (state.shell) draw.lines({ ...shared, part: mesh.edges, ranks: texture.seen, ink: [tone, tone, tone, faint] });
    }
    placeLabels(view, bounds());
  }

  function pick(event) {
    const place = canvas.getBoundingClientRect(), ratio = canvas.width / place.width;
    const x = Math.floor((event.clientX - place.left) * ratio), y = canvas.height - 1 - Math.floor((event.clientY - place.top) * ratio);
    target.resize(canvas.width, canvas.height);
    regl.clear({ color: [0, 0, 0, 0], depth: 1, framebuffer: target });
    draw.pick({ view: viewMatrix(), explode: state.shell ? 0 : state.explode / 100, ranks: texture.solid, grid: 0, part: mesh.faces });
    const pixel = regl.read({ x, y, width: 1, height: 1, framebuffer: target });
    if (pixel[3]) choose(pixel[0] + 256 * pixel[1]);
  }

  // ---- controls

  const format = value => value.toLocaleString('en', { maximumFractionDigits: value < 1000 ? 2 : 0 });
  const WORDS = { cells: 'cells', weight: 'load', atoms: 'atoms', ghosts: 'ghost cells', ghost_atoms: 'ghost atoms',
    sent: 'cells sent', neighbours: 'neighbours', components: 'pieces' };

  function tell() {
    const scheme = data.schemes[state.scheme];
    ownersOf(scheme);
    $('swatch').style.background = '#' + [...bytes(data.colours).subarray(3 * state.rank, 3 * state.rank + 3)].map(b => b.toString(16).padStart(2, '0')).join('');
    $('rank').value = state.rank;
    $('shell').checked = state.shell;
    const rows = data.by_rank.map((key, k) => {
      if (!data.has_atoms && /atoms|weight/.test(key)) return '';
      const mean = scheme.rows.reduce((sum, row) => sum + row[k], 0) / R;
      return `<div><dt>${WORDS[key]}</dt><dd>${format(scheme.rows[state.rank][k])}</dd><dd class="mean">mean ${format(mean)}</dd></div>`;
    });
    $('numbers').innerHTML = rows.join('');
  }

  function show() {
    const kept = state.cut || m[state.axis], factor = data.cells[state.axis] / m[state.axis];
    const set = (id, value, text) => { $(id).value = value; $(id).parentNode.querySelector('output').textContent = text; };
    set('explode', state.explode, state.explode + ' %');
    $('peel').max = R;
    set('peel', state.peel, state.peel === R ? 'all' : '0\u2013' + (state.peel - 1));
    $('cut').max = m[state.axis];
    $('axis').value = state.axis;
    set('cut', kept, kept === m[state.axis] ? 'none' : 'at ' + Math.round(kept * factor));
    $('hide').value = state.hide;
    $('turn').textContent = state.turns ? 'Stop' : 'Rotate';
    document.querySelectorAll('#schemes input').forEach((input, i) => { input.checked = i === state.scheme; });
    const parts = [];
    if (isSampled) parts.push(`Drawn on a coarser grid, ${m.join(' \u00d7 ')} of ${data.cells.join(' \u00d7 ')} cells; all numbers are of the full grid.`);
    if (state.shell) parts.push('Small cubes are the ghost cells of rank ' + state.rank + ', coloured by owner; beyond the box they are periodic images.');
    $('note').textContent = parts.join(' ');
    tell();
    dirty = true;
  }

  function choose(rank) {
    state.rank = Math.max(0, Math.min(R - 1, Math.floor(rank) || 0));
    if (state.shell) reshell();
    show();
  }

  function listen() {
    data.schemes.forEach((scheme, i) => {
      const label = $('schemes').appendChild(document.createElement('label'));
      label.innerHTML = '<input type="radio" name="scheme"><span></span>';
      label.lastChild.textContent = scheme.label;
      label.firstChild.addEventListener('change', () => { state.scheme = i; rebuild(); show(); });
    });
    const on = (id, type, act) => $(id).addEventListener(type, event => { act(event.target); show(); });
    on('explode', 'input', input => { state.explode = Number(input.value); });
    on('peel', 'input', input => { state.peel = Number(input.value); recolour(); });
    on('axis', 'change', input => { state.axis = Number(input.value); state.cut = 0; rebuild(); });
    on('cut', 'input', input => { state.cut = Number(input.value) === m[state.axis] ? 0 : Number(input.value); rebuild(); });
    on('hide', 'change', input => { state.hide = input.value; recolour(); });
    on('turn', 'click', () => { state.turns = !state.turns; });
    on('reset', 'click', () => { Object.assign(state, START, { scheme: state.scheme, rank: state.rank, turns: state.turns }); rebuild(); });
    on('shell', 'change', input => { state.shell = input.checked; reshell(); });
    $('rank').max = R - 1;
    $('rank').addEventListener('change', event => choose(Number(event.target.value)));
    const pointers = new Map();
    let moved = 0, apart = 0;
    canvas.addEventListener('pointerdown', event => { pointers.set(event.pointerId, event); moved = apart = 0; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener('pointermove', event => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      const dx = event.clientX - last.clientX, dy = event.clientY - last.clientY;
      pointers.set(event.pointerId, event);
      moved += Math.abs(dx) + Math.abs(dy);
      if (pointers.size === 1) {
        state.yaw += 0.008 * dx;
        state.pitch = Math.max(-1.57, Math.min(1.57, state.pitch + 0.008 * dy));
      } else {
        const [a, b] = [...pointers.values()], now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        if (apart) zoom(now / apart);
        apart = now;
      }
      if (moved > 4 && state.turns) { state.turns = false; show(); }
      dirty = true;
    });
    const release_ = event => { pointers.delete(event.pointerId); };
    canvas.addEventListener('pointerup', event => { if (pointers.size === 1 && moved <= 4) pick(event); release_(event); });
    canvas.addEventListener('pointercancel', release_);
    // The wheel scrolls the page until the view has been clicked.
    canvas.addEventListener('wheel', event => {
      if (document.activeElement !== canvas && !event.ctrlKey) return;
      event.preventDefault();
      zoom(Math.exp(-0.0012 * event.deltaY));
    }, { passive: false });
    canvas.addEventListener('keydown', event => {
      const step = { ArrowLeft: [-0.08, 0], ArrowRight: [0.08, 0], ArrowUp: [0, 0.08], ArrowDown: [0, -0.08] }[event.key];
      if (step) { state.yaw += step[0]; state.pitch = Math.max(-1.57, Math.min(1.57, state.pitch + step[1])); }
      else if (event.key === '+' || event.key === '=') zoom(1.1);
      else if (event.key === '-') zoom(1 / 1.1);
      else return;
      event.preventDefault();
      dirty = true;
    });
    new ResizeObserver(() => { dirty = true; }).observe(stage);
    isDark.addEventListener('change', () => { dirty = true; });
  }

  function zoom(factor) {
    state.zoom = Math.max(0.4, Math.min(8, state.zoom * factor));
    dirty = true;
  }

  function start() {
    state.scheme = Math.max(0, Math.min(data.schemes.length - 1, state.scheme));
    state.axis = Math.max(0, Math.min(2, state.axis));
    state.cut = Math.max(0, Math.min(m[state.axis], state.cut));
    state.peel = Math.max(1, Math.min(R, state.peel));
    state.shell = Boolean(state.shell);
    state.turns = Boolean(state.turns);
    state.rank = state.rank >= 0 && state.rank < R ? state.rank : worst(data.schemes[state.scheme]);
    listen();
    setUp();
    rebuild();
    show();
    let last = 0;
    const tick = now => {
      if (state.turns) { state.yaw += 0.0002 * Math.min(100, now - last); dirty = true; }
      last = now;
      if (dirty) { dirty = false; paint(); }
      requestAnimationFrame(tick);
    };
    paint();
    const place = canvas.getBoundingClientRect();
    // For tests: what is drawn, and where.
    Object.assign($('view').dataset, { state: 'drawn', quads: mesh.faces.vertices / 4, shell: shell ? shell.ghosts : '',
      place: [place.left + scrollX, place.top + scrollY, place.width, place.height].map(Math.round).join(' ') });
    requestAnimationFrame(tick);
  }

  createREGL({
    canvas, extensions: ['OES_element_index_uint', 'OES_standard_derivatives'], attributes: { antialias: true, alpha: true },
    onDone(error, made) {
      if (error) {
        $('note').textContent = 'This browser offers no WebGL, so there is no 3-D view; the drawings below need none.';
        $('view').dataset.state = 'no WebGL';
        return;
      }
      regl = made;
      start();
    },
  });
})();
