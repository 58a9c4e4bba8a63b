"""The chat page in a headless Chromium, through a real conversation: writing, stopping, editing, answering again, settings, reloading, phones, dark.

    quintet serve MODEL --port 8080 &
    python3 Tests/Interop/chat_page.py http://127.0.0.1:8080 [--key KEY] [--screenshots FOLDER] [--browser chromium]

With a key: of a server that asks for one, so the page that asks comes first.

Exit status 0: all went through, or a library is missing (said on the first line). 1: something did not, or the page wrote to the console.
"""
import argparse, asyncio, base64, itertools, json, os, shutil, subprocess, sys, tempfile, time, urllib.request

try:
    import websockets
except ImportError:
    print("skipped: websockets is not installed (pip install websockets)")
    sys.exit(0)

TRICKY = "<img src=x onerror=document.title='broken'> **bold** `code` [link](javascript:alert(1)) [fine](https://example.org)\n\n```js\nlet a = '<b>';\n```\n| a | b |\n|---|---|\n| 1 | 2 |"


def check(condition, what):
    if not condition:
        raise SystemExit(f"failed: {what}")
    print("ok:", what)


class Page:
    def __init__(self, socket):
        self.socket, self.numbers, self.complaints = socket, itertools.count(1), []

    async def call(self, method, **parameters):
        number = next(self.numbers)
        await self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self.socket.recv())
            if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                entry = message["params"].get("entry", {"level": "error"})
                if entry["level"] in ("warning", "error"):
                    self.complaints.append(message["params"])
            if message.get("id") == number:
                return message.get("result", message)

    async def value(self, expression):
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    async def wait(self, expression, what, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if await self.value(expression):
                return check(True, what)
            await asyncio.sleep(0.05)
        check(False, what)

    async def type(self, text):
        await self.call("Input.insertText", text=text)

    async def press(self, key, code, **more):
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)

    async def picture(self, folder, name, width, height, dark=False, scale=1):
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 500)
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        overflow = await self.value(f"document.documentElement.scrollWidth > {width}")
        check(not overflow, f"{name}: nothing is wider than the page")
        if folder:
            result = await self.call("Page.captureScreenshot", format="png")
            with open(os.path.join(folder, name + ".png"), "wb") as file:
                file.write(base64.b64decode(result["data"]))


async def open_with_key(page, key, folder):
    await page.wait("document.readyState === 'complete' && document.getElementById('ask') !== null", "a page asks for the key")
    check(await page.value("document.activeElement.id") == "key" and await page.value("document.getElementById('talk')") is None, "it is no chat page, and one can type at once")
    await page.picture(folder, "key", 1100, 800)
    await page.picture(folder, "key-phone", 390, 800, dark=True, scale=2)
    await page.type("wrong")
    await page.press("Enter", 13, text="\r")
    await page.wait("document.getElementById('status').textContent.startsWith('This is no key')", "a wrong key is said to be wrong")
    check(await page.value("sessionStorage.getItem('quintet.key')") is None, "and not kept")
    await page.type(key)
    await page.press("Enter", 13, text="\r")
    await page.wait("document.getElementById('talk') !== null", "with the key it becomes the chat page")
    check(await page.value("localStorage.getItem('quintet.key')") is None, "the key is kept for this tab only")


async def conversation(page, url, folder, key):
    for domain in ("Page", "Runtime", "Log"):
        await page.call(f"{domain}.enable")
    await page.call("Page.navigate", url=url)
    if key:
        await open_with_key(page, key, folder)
    await page.wait("document.readyState === 'complete' && document.querySelectorAll('#model option').length > 0", "the page and its models are there")
    await page.picture(folder, "empty", 1100, 800)
    await page.value("document.getElementById('open-settings').click(); for (const [id, value] of [['temperature', '0'], ['max_tokens', '60'], ['seed', '3'], ['system', 'Tell a story.']]) { const box = document.getElementById(id); box.value = value; box.onchange?.(); }")
    await page.picture(folder, "settings", 1100, 800)
    await page.value("document.getElementById('open-settings').click(); document.getElementById('input').focus()")
    await page.type("Once upon a time")
    await page.press("Enter", 13)
    await page.wait("document.querySelector('article.assistant .body')?.textContent.length > 10 && document.getElementById('stop').hidden", "an answer comes")
    first = await page.value("document.querySelector('article.assistant .body').textContent")
    await page.wait("/\\d+ tokens, [\\d.]+ tokens\\/s/.test(document.querySelector('article.assistant .tools').textContent)", "its speed is told")
    await page.value("[...document.querySelectorAll('article.assistant .tools button')].find(b => b.textContent === 'Regenerate').click()")
    await page.wait("document.getElementById('stop').hidden && document.querySelector('article.assistant .body')?.textContent.length > 10", "it answers again")
    check(await page.value("document.querySelector('article.assistant .body').textContent") == first, "greedy, so the same")
    await page.value("document.getElementById('input').focus()")
    await page.type("line one")
    await page.press("Enter", 13, modifiers=8)
    check("article" not in (await page.value("document.getElementById('input').value")), "Shift+Enter does not send")
    await page.press("Enter", 13)
    await page.wait("document.querySelectorAll('article').length === 4 && document.getElementById('stop').hidden", "a second turn")
    await page.value("[...document.querySelectorAll('article.user .tools button')].find(b => b.textContent === 'Edit').click()")
    await page.value("{ const area = document.querySelector('textarea.edit'); area.value = 'The little dog'; [...document.querySelectorAll('article .tools button')].find(b => b.textContent === 'Send').click(); }")
    await page.wait("document.querySelectorAll('article').length === 2 && document.getElementById('stop').hidden", "editing goes back to there")
    await page.picture(folder, "talk", 1100, 800)
    await page.picture(folder, "talk-dark", 1100, 800, dark=True)
    await page.picture(folder, "phone", 390, 800, scale=2)
    await page.picture(folder, "phone-dark", 390, 800, dark=True, scale=2)
    await page.call("Emulation.setDeviceMetricsOverride", width=1100, height=800, deviceScaleFactor=1, mobile=False)
    await page.value("document.getElementById('max_tokens').value = '100000'; document.getElementById('temperature').value = '1'; document.getElementById('input').focus()")
    await page.type("More")
    await page.press("Enter", 13)
    await page.press("Escape", 27)
    await page.wait("document.getElementById('stop').hidden", "Escape stops")
    await page.call("Page.reload")
    await page.wait("document.readyState === 'complete' && document.querySelectorAll('article').length >= 3", "the conversation outlives a reload")
    await page.value(f"messages = [{{ role: 'user', content: {json.dumps(TRICKY)} }}, {{ role: 'assistant', content: {json.dumps(TRICKY)}, thought: 'Hm.' }}]; draw()")
    await asyncio.sleep(0.3)
    check(await page.value("document.title") == "Quintet" and await page.value("document.querySelectorAll('#talk img').length") == 0, "what a model writes stays text")
    check(await page.value("[...document.querySelectorAll('.body a')].every(a => a.href.startsWith('https://'))"), "links lead to the web only")
    check(await page.value("document.querySelectorAll('article.assistant pre code').length === 1 && document.querySelectorAll('article.assistant table td').length === 2 && document.querySelectorAll('article.assistant strong').length === 1"), "code, tables and bold are drawn")
    await page.picture(folder, "markdown", 1100, 800)
    await page.value("document.getElementById('new').click()")
    await page.wait("document.querySelectorAll('article').length === 0", "a new conversation")
    check(await page.value("performance.getEntriesByType('resource').every(entry => entry.name.startsWith(location.origin))"), "nothing is loaded from elsewhere")
    # A browser notes every 401, also the one that asks for the key.
    complaints = [one for one in page.complaints if not (key and "401" in one.get("entry", {}).get("text", ""))]
    check(not complaints, f"the console stays empty {complaints[:2]}")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--key")
    parser.add_argument("--screenshots")
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    arguments = parser.parse_args()
    if not arguments.browser:
        print("skipped: there is no chromium")
        return
    if arguments.screenshots:
        os.makedirs(arguments.screenshots, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        browser = subprocess.Popen(
            [arguments.browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            place = os.path.join(profile, "DevToolsActivePort")
            for _ in range(600):
                if os.path.exists(place) and open(place).read().count("\n"):
                    break
                time.sleep(0.1)
            port = open(place).read().split()[0]
            target = next(t for t in json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json")) if t["type"] == "page")
            async with websockets.connect(target["webSocketDebuggerUrl"], max_size=None) as socket:
                await conversation(Page(socket), arguments.url, arguments.screenshots, arguments.key)
        finally:
            browser.terminate()
            browser.wait()


asyncio.run(main())
