/// The look of every report, and the script that shows the values under the pointer.
public enum ReportStyle {
    /// Light and dark follow the reader's system.
    public static let style = """

        :root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #5d6672; --line: #e3e6ea;
          --c1: #2f6fde; --c2: #d4552a; --c3: #7b52c7; --c4: #b8860b; --c5: #15836b; --ours: #2f6fde; --other: #b9c0c9; --mark: #e6effd; }
        @media (prefers-color-scheme: dark) { :root { --page: #111418; --card: #1a1e24; --ink: #e8eaed; --soft: #9aa4b0; --line: #2b313a;
          --c1: #6ea3ff; --c2: #ff8a5c; --c3: #b394f5; --c4: #e0b23c; --c5: #41c3a3; --ours: #6ea3ff; --other: #4a525d; --mark: #22344f; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 48px; display: grid; gap: 20px; }
        h1 { font-size: 28px; line-height: 1.2; margin: 0; display: flex; align-items: center; gap: 12px; flex-wrap: wrap; }
        h2 { font-size: 16px; margin: 0 0 10px; }
        .summary { margin: 6px 0 0; color: var(--soft); }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; margin: 0; min-width: 0; }
        .badge { font-size: 13px; font-weight: 600; padding: 3px 10px; border-radius: 99px; border: 1px solid currentColor; }
        .done { color: var(--c5); } .running { color: var(--c1); } .stopped { color: var(--c2); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; }
        .tile span, .tile small { display: block; color: var(--soft); font-size: 13px; }
        .tile b { display: block; font-size: 22px; overflow-wrap: anywhere; line-height: 1.3; font-variant-numeric: tabular-nums; }
        .bars p { color: var(--soft); font-size: 13px; margin: 10px 0 0; }
        .bar { display: grid; grid-template-columns: minmax(120px, 220px) 1fr 56px; gap: 12px; align-items: center; margin: 6px 0; }
        .bar b { text-align: right; font-variant-numeric: tabular-nums; font-weight: 500; }
        .bar .track { background: var(--page); border-radius: 5px; height: 16px; }
        .bar i { display: block; height: 16px; border-radius: 5px; background: var(--other); min-width: 2px; }
        .ours span, .ours b { font-weight: 700; } .ours i { background: var(--ours); }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; }
        .chart { position: relative; }
        #chart-loss { grid-column: 1 / -1; }
        .chart figcaption { font-weight: 600; font-size: 15px; display: flex; justify-content: space-between; flex-wrap: wrap; gap: 4px 14px; margin-bottom: 4px; }
        .chart svg { width: 100%; height: auto; display: block; touch-action: pan-y; }
            .chart text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
            @media (max-width: 700px) { #chart-loss text { font-size: 26px; } }
        .grid { stroke: var(--line); stroke-width: 1; } .axis, .cross { stroke: var(--soft); stroke-width: 1; }
        .cross { stroke-dasharray: 3 3; }
        path { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
        path.faint { stroke-width: 1; opacity: .45; }
        path.c1 { stroke: var(--c1); } path.c2 { stroke: var(--c2); } path.c3 { stroke: var(--c3); } path.c4 { stroke: var(--c4); } path.c5 { stroke: var(--c5); }
        circle.c2 { fill: var(--c2); stroke: var(--card); stroke-width: 1.5; }
        .legend { display: flex; gap: 14px; font-weight: 400; font-size: 13px; color: var(--soft); }
        .key i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: middle; background: currentColor; }
        .key i.c1 { color: var(--c1); } .key i.c2 { color: var(--c2); } .key i.c5 { color: var(--c5); } .key i.faint { opacity: .4; } .key i.dots { width: 8px; height: 8px; border-radius: 50%; }
        .tip { position: absolute; pointer-events: none; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px;
          font-size: 13px; box-shadow: 0 4px 16px rgb(0 0 0 / .16); white-space: nowrap; z-index: 1; font-variant-numeric: tabular-nums; }
        .samples, .facts { display: grid; gap: 12px; }
        .samples h2 { margin: 8px 0 0; }
        .sample figcaption { color: var(--soft); font-size: 13px; margin-bottom: 8px; }
        .sample .sample { border: 0; padding: 10px 0; }
        pre { margin: 0; font: 13px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
        mark { background: var(--mark); color: inherit; border-radius: 3px; padding: 1px 2px; }
        details summary { cursor: pointer; color: var(--soft); }
        details .sample { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 12px 0; }
        .facts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); align-items: start; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th { text-align: left; font-weight: 400; color: var(--soft); padding: 4px 12px 4px 0; vertical-align: top; white-space: nowrap; }
        td { padding: 4px 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
        tr + tr > * { border-top: 1px solid var(--line); }
        .wide { grid-column: 1 / -1; }
        .list td { text-align: left; } .list td.n { text-align: right; white-space: nowrap; padding: 4px 12px; } .list th { padding-top: 6px; }
        .scroll { overflow-x: auto; }
        .columns { display: flex; align-items: flex-end; gap: 2px; height: 150px; border-bottom: 1px solid var(--soft); }
        .columns div { flex: 1; display: flex; align-items: flex-end; gap: 1px; height: 100%; }
        .columns i { flex: 1; background: var(--other); border-radius: 2px 2px 0 0; } .columns i.out { background: var(--ours); }
        .labels { display: flex; gap: 2px; color: var(--soft); font-size: 12px; } .labels span { flex: 1; text-align: center; white-space: nowrap; overflow: visible; min-width: 0; }
        footer { color: var(--soft); font-size: 13px; }

        """

    /// One pointer, one step: every chart shows its values at the step under it.
    public static let script = """

        const charts = [...document.querySelectorAll('.chart')].map(box => ({
          box, svg: box.querySelector('svg'), cross: box.querySelector('.cross'), tip: box.querySelector('.tip'),
          series: JSON.parse(box.querySelector('script').textContent), x0: +box.dataset.x0, x1: +box.dataset.x1, width: +box.dataset.width, inner: +box.dataset.width - 70 }));
        const left = 56;
        function nearest(xs, x) {
          let low = 0, high = xs.length - 1;
          while (high - low > 1) { const mid = (low + high) >> 1; if (xs[mid] < x) low = mid; else high = mid; }
          return Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
        }
        function show(x, owner) {
          for (const c of charts) {
            const at = left + (x - c.x0) / (c.x1 - c.x0) * c.inner;
            const inside = at >= left && at <= left + c.inner;
            c.cross.setAttribute('visibility', inside ? 'visible' : 'hidden');
            c.tip.hidden = !(inside && c === owner);
            if (!inside) continue;
            c.cross.setAttribute('x1', at); c.cross.setAttribute('x2', at);
            if (c !== owner) continue;
            c.tip.replaceChildren(...['step ' + Math.round(x).toLocaleString('en-US'), ...c.series.filter(s => s.x.length).map(s => {
              const i = nearest(s.x, x);
              return s.name + ' ' + s.y[i] + (Math.round(s.x[i]) === Math.round(x) ? '' : ' (step ' + s.x[i].toLocaleString('en-US') + ')'); })].map(text => {
              const line = document.createElement('div'); line.textContent = text; return line; }));
            const outer = c.box.getBoundingClientRect(), drawn = c.svg.getBoundingClientRect(), width = c.tip.offsetWidth;
            const place = at / c.width * drawn.width + drawn.left - outer.left;
            c.tip.style.left = (place + 14 + width > outer.width ? place - width - 14 : place + 14) + 'px';
            c.tip.style.top = (drawn.top - outer.top + 24) + 'px';
          }
        }
        for (const c of charts) {
          c.svg.addEventListener('pointermove', event => {
            const box = c.svg.getBoundingClientRect();
            const share = ((event.clientX - box.left) / box.width * c.width - left) / c.inner;
            const x = c.x0 + Math.min(1, Math.max(0, share)) * (c.x1 - c.x0);
            const xs = c.series[0].x;
            show(xs[nearest(xs, x)], c);
          });
          c.svg.addEventListener('pointerleave', () => charts.forEach(d => { d.tip.hidden = true; d.cross.setAttribute('visibility', 'hidden'); }));
        }

        """
}
