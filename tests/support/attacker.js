/* What a hostile page tries, in the visitor's browser. Called with the addresses of the services, and
   the names of a run, a version and a correction; returns everything that it could read. */
async ({targets, stored}) => {
  const read = [];
  let waiting = [];
  const attempt = (promise, what) => waiting.push(Promise.race([
    promise.then((found) => { if (found) read.push(`${what}: ${String(found).slice(0, 100)}`); }, () => {}),
    new Promise((resolve) => setTimeout(resolve, 10000)),
  ]));
  const attempts = async () => { await Promise.all(waiting); waiting = []; };

  const reads = [
    ['classifier', '/'], ['classifier', '/model'], ['classifier', '/metrics'],
    ['classifier', '/docs.json'],
    ['trainer', '/runs'], ['trainer', '/models'], ['trainer', '/corrections'],
    ['trainer', '/corrections/export'], ['trainer', `/corrections/${stored.correction}/image`],
    ['trainer', '/metrics'],
    ['app', '/'], ['app', '/_stcore/health'], ['app', '/_stcore/host-config'],
    ['prometheus', '/api/v1/query?query=up'], ['prometheus', '/api/v1/status/config'],
  ];
  const json = (body) => ({body: JSON.stringify(body), type: 'application/json'});
  const changes = [
    ['POST', '/runs', json({recipe: 'quick', epochs: 1})],
    ['POST', `/models/${stored.version}/promote`, json({reason: 'attack'})],
    ['POST', `/runs/${stored.run}/cancel`, json({})],
    ['PUT', '/shadow', json({version: stored.version})],
    ['DELETE', '/shadow', json({})],
    ['PATCH', `/corrections/${stored.correction}`, json({label: 'Dress'})],
    ['DELETE', `/corrections/${stored.correction}`, json({})],
  ];

  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 28;
  canvas.getContext('2d').fillRect(5, 5, 9, 20);
  const picture = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  const correction = () => {
    const form = new FormData();
    form.append('image', picture, 'a.png');
    form.append('label', 'Dress');
    return form;
  };

  // 1. fetch: with an answer that may be read, or blind, with every type that needs no preflight
  for (const [name, path] of reads) {
    attempt(fetch(targets[name] + path).then((answer) => answer.text()), `fetch ${name}${path}`);
    attempt(fetch(targets[name] + path, {credentials: 'include'}).then((answer) => answer.text()),
      `fetch with cookies ${name}${path}`);
  }
  for (const [method, path, {body, type}] of changes) {
    for (const contentType of [type, 'text/plain', 'application/x-www-form-urlencoded']) {
      for (const mode of ['cors', 'no-cors']) {
        const init = {method, body, mode, headers: {'Content-Type': contentType}};
        attempt(fetch(targets.trainer + path, init).then((answer) => answer.text()),
          `fetch ${mode} ${method} ${path}`);
      }
    }
  }
  for (const mode of ['cors', 'no-cors']) {
    attempt(fetch(`${targets.trainer}/runs`, {method: 'POST', mode})
      .then((answer) => answer.text()), `fetch without a body`);
    attempt(fetch(`${targets.trainer}/corrections`, {method: 'POST', mode, body: correction()})
      .then((answer) => answer.text()), `fetch ${mode} of a form`);
    attempt(fetch(`${targets.classifier}/classify`, {method: 'POST', mode, body: picture})
      .then((answer) => answer.text()), `fetch ${mode} of a picture`);
  }
  navigator.sendBeacon(`${targets.trainer}/runs`, '{"recipe": "quick", "epochs": 1}');
  navigator.sendBeacon(`${targets.trainer}/corrections`, correction());
  await attempts();

  // 2. forms, into a frame and into another tab
  for (const target of ['frame', '_blank']) {
    for (const [path, fields] of [
      ['/runs', {'{"recipe": "quick", "epochs": 1, "x": "': '"}'}],
      ['/corrections', {label: 'Dress', image: 'file'}],
      [`/models/${stored.version}/promote`, {reason: 'attack'}],
      [`/runs/${stored.run}/cancel`, {}],
    ]) {
      for (const enctype of [
        'application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']) {
        const frame = document.createElement('iframe');
        frame.name = `frame${Math.random()}`;
        const form = document.createElement('form');
        Object.assign(form, {
          method: 'POST', action: targets.trainer + path, enctype,
          target: target === 'frame' ? frame.name : target,
        });
        for (const [name, value] of Object.entries(fields)) {
          const input = document.createElement('input');
          input.name = name;
          if (value === 'file') {
            input.type = 'file';
            const files = new DataTransfer();
            files.items.add(new File([picture], 'a.png', {type: 'image/png'}));
            input.files = files.files;
          } else {
            input.value = value;
          }
          form.append(input);
        }
        document.body.append(frame, form);
        form.submit();
      }
    }
  }
  await attempts();

  // 3. images, scripts, styles, media
  for (const [name, path] of reads) {
    attempt(new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(`${image.naturalWidth} pixels wide`);
      image.onerror = () => resolve('');
      image.src = targets[name] + path;
    }), `image ${name}${path}`);
    attempt(new Promise((resolve) => {
      const script = document.createElement('script');
      script.onload = () => resolve('runs');
      script.onerror = () => resolve('');
      script.src = targets[name] + path;
      document.body.append(script);
    }), `script ${name}${path}`);
  }
  await attempts();

  // 4. connections that stay
  const websocket = (url, protocols) => new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => resolve('opened');
    socket.onmessage = () => resolve('a message');
    socket.onerror = () => resolve('');
  });
  for (const [name, path, protocols] of [
    ['app', '/_stcore/stream', []], ['app', '/_stcore/stream', ['streamlit', 'PLACEHOLDER_AUTH_TOKEN']],
    ['trainer', '/runs', []], ['classifier', '/model', []], ['prometheus', '/', []],
  ]) {
    attempt(websocket(targets[name].replace('http', 'ws') + path, protocols),
      `websocket ${name}${path}`);
  }
  for (const [name, path] of [...reads, ['trainer', `/runs/${stored.run}/events`]]) {
    attempt(new Promise((resolve) => {
      const source = new EventSource(targets[name] + path);
      source.onopen = source.onmessage = () => { source.close(); resolve('opened'); };
      source.onerror = () => { source.close(); resolve(''); };
    }), `EventSource ${name}${path}`);
  }
  await attempts();

  // 5. frames: the page could be laid under something else to be clicked
  for (const name of Object.keys(targets)) {
    const frame = document.createElement('iframe');
    frame.src = targets[name];
    document.body.append(frame);
    attempt(new Promise((resolve) => { frame.onload = () => resolve(''); }), `frame ${name}`);
  }
  await attempts();
  return read;
}
