#!/usr/bin/env python3
"""Writes Sources/Corpus/Language/LanguageGrams.swift: character n-grams of words, with their weight for each language.

    pip install numpy torch && python3 Tests/Interop/language_model.py FOLDER [--test SENTENCES.json]... > Sources/Corpus/Language/LanguageGrams.swift

FOLDER holds what the text is taken from, under these names (none of it asks that what is made of it be shared alike):

    common-voice   github.com/common-voice/common-voice at 168898f (sentences, CC0-1.0)
    bible-corpus   github.com/christos-c/bible-corpus (CC0-1.0)
    udhr           github.com/unicode-org/udhr (Universal Declaration of Human Rights; article 1 is left to the tests)
    tldr           github.com/tldr-pages/tldr (CC BY 4.0)
    iD             github.com/openstreetmap/iD (ISC)
    search-gov     github.com/GSA/search-gov (config/locales/ht.yml; public domain)
    firefox        the Debian packages firefox-esr-l10n-* (MPL-2.0): apt-get download, not unpacked
    django         Django 5.2's wheel (BSD-3-Clause)

The n-grams of a language are its most frequent ones and those that tell it from others of its script. Their weights begin as those of
naive Bayes and are then fitted by logistic regression to stretches of the same text, with English words strewn in as technical text
has them; what a language does not list weighs nothing. The test sentences (manual pages, news) come from other sources altogether.
"""
import argparse, collections, glob, json, os, random, re, subprocess, sys, tempfile, unicodedata, zipfile

import numpy as np
import torch

# Language: its name in common-voice, firefox, django, tldr, iD and udhr where these differ from it; sh is written in Latin letters.
LANGUAGES = {
    "ar": {"udhr": "arb"}, "be": {"udhr": "bel"}, "bg": {"udhr": "bul"}, "ca": {"udhr": "cat"}, "cs": {"udhr": "ces"}, "cy": {"udhr": "cym"}, "da": {"udhr": "dan"},
    "de": {"udhr": "deu_1996"}, "en": {"firefox": "en-gb", "iD": "en-GB", "django": "", "tldr": "", "udhr": "eng"}, "eo": {"udhr": "epo"},
    "es": {"firefox": "es-es", "udhr": "spa"}, "et": {"udhr": "est", "bible": "Estonian-PART"}, "eu": {"udhr": "eus", "bible": "Basque-NT"}, "fa": {"udhr": "pes_1"}, "fi": {"udhr": "fin"},
    "fil": {"common-voice": "tl", "firefox": "tl", "iD": "fil tl", "udhr": "tgl"}, "fr": {"udhr": "fra"}, "ga": {"common-voice": "ga-IE", "firefox": "ga-ie", "udhr": "gle"},
    "gl": {"udhr": "glg"}, "ht": {"udhr": "hat_popular hat_kreyol"}, "hu": {"udhr": "hun"}, "id": {"udhr": "ind"}, "is": {"udhr": "isl"}, "it": {"udhr": "ita"}, "kk": {"udhr": "kaz"},
    "lt": {"udhr": "lit"}, "lv": {"udhr": "lav", "bible": "Latvian-NT"}, "mk": {"udhr": "mkd"}, "ms": {"udhr": "mly_latn"},
    "nb": {"common-voice": "nb-NO", "firefox": "nb-no", "tldr": "nb no", "udhr": "nob"}, "nl": {"udhr": "nld"}, "pl": {"udhr": "pol"},
    "pt": {"firefox": "pt-br pt-pt", "django": "pt pt_BR", "tldr": "pt_BR pt_PT", "iD": "pt pt-BR", "udhr": "por_BR por_PT"}, "ro": {"udhr": "ron_2006"}, "ru": {"udhr": "rus"},
    "sh": {"common-voice": "hr", "firefox": "hr bs", "django": "hr bs sr_Latn", "tldr": "bs", "iD": "hr bs", "udhr": "hrv bos_latn srp_latn"},
    "sh-Cyrl": {"common-voice": "sr", "firefox": "sr", "django": "sr", "tldr": "sr", "iD": "sr", "udhr": "srp_cyrl"}, "sk": {"udhr": "slk"}, "sl": {"udhr": "slv"}, "sq": {"udhr": "als"},
    "sv": {"common-voice": "sv-SE", "firefox": "sv-se", "udhr": "swe"}, "sw": {"udhr": "swh", "bible": "Swahili-NT"}, "tr": {"udhr": "tur"}, "uk": {"udhr": "ukr", "bible": "Ukranian-NT"},
    "ur": {"udhr": "urd"}, "vi": {"udhr": "vie"},
}
CYRILLIC, ARABIC = {"be", "bg", "kk", "mk", "ru", "uk", "sh-Cyrl"}, {"ar", "fa", "ur"}
PER_LANGUAGE, WINDOWS, EPOCHS = 1500, 1500, 1
SOURCE_LIMIT = 1_200_000  # characters of a source
MARKUP = re.compile(r"\{[^}]*\}|%\S+|<[^>]*>|&\w+;|\\u[0-9a-fA-F]{4}|https?://\S+|`[^`]*`")


# MARK: Text


def read(path):
    return open(path, encoding="utf-8", errors="replace").read() if os.path.isfile(path) else ""


def fluent(text):
    """Values of a file of Fluent, with the lines that go on."""
    value = ""
    for line in text.split("\n") + ["x"]:
        if line.startswith(" ") and not re.match(r"\s+[.\[*}]", line):
            value += " " + line.strip()
            continue
        if value:
            yield value
        found = None if line.startswith("#") else re.match(r"\s*\.?[\w-]+ *= *(.*)", line)
        value = found.group(1) if found else ""


def firefox(folder, name):
    for package in glob.glob(f"{folder}/firefox/firefox-esr-l10n-{name}_*.deb"):
        with tempfile.TemporaryDirectory() as out:
            subprocess.run(["dpkg-deb", "-x", package, out], check=True)
            for path in glob.glob(out + "/usr/lib/firefox-esr/browser/extensions/*.xpi"):
                with zipfile.ZipFile(path) as pack:
                    for member in pack.namelist():
                        if not member.endswith((".ftl", ".properties", ".dtd")):
                            continue
                        text = pack.read(member).decode("utf-8", "replace")
                        if member.endswith(".ftl"):
                            yield from fluent(text)
                        elif member.endswith(".properties"):
                            yield from re.findall(r"^[^#\n=]+=(.*)$", text, re.M)
                        else:
                            yield from re.findall(r'<!ENTITY\s+\S+\s+"([^"]*)"', text)


def django(folder, name):
    for wheel in glob.glob(folder + "/django/*.whl"):
        with zipfile.ZipFile(wheel) as pack:
            for member in pack.namelist():
                if f"/locale/{name}/LC_MESSAGES/" not in member or not member.endswith(".po"):
                    continue
                for found in re.finditer(r'^msgstr(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\s*)+)', pack.read(member).decode(), re.M):
                    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found.group(1))).replace("\\n", " ").replace('\\"', '"')
                    if text and "Content-Type" not in text:
                        yield text


def strings(value):
    if isinstance(value, str):
        if len(value) > 15 and " " in value:
            yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def sources(folder, language):
    """Name of a source, and its lines."""
    names = LANGUAGES[language]

    def each(source):
        return names.get(source, language).split()

    for name in each("common-voice"):
        for path in sorted(glob.glob(f"{folder}/common-voice/server/data/{name}/*.txt")):
            yield "common-voice", read(path).split("\n")
    for name in each("firefox"):
        yield "firefox", firefox(folder, name)
    for name in each("django"):
        yield "django", django(folder, name)
    for name in each("tldr"):
        paths = sorted(glob.glob(f"{folder}/tldr/pages.{name}/*/*.md"))
        random.Random(1).shuffle(paths)
        yield "tldr", [line[2:] for path in paths[:500] for line in read(path).split("\n") if line[:2] in ("> ", "- ")]
    for name in each("iD"):
        text = read(f"{folder}/iD/dist/locales/{name}.min.json")
        yield "iD", strings(json.loads(text)) if text else []
    for name in each("udhr"):
        text = re.sub(r'<article number="1">.*?</article>', "", read(f"{folder}/udhr/data/udhr/udhr_{name}.xml"), flags=re.S)
        yield "udhr", [re.sub("<[^>]*>", "", line) for line in re.findall(r"<para>(.*?)</para>", text, re.S)]
    if "bible" in names:
        verses = re.findall(r"<seg[^>]*>(.*?)</seg>", read(f"{folder}/bible-corpus/bibles/{names['bible']}.xml"), re.S)
        random.Random(1).shuffle(verses)
        yield "bible", verses[:4000]
    if language == "ht":
        yield "search-gov", re.findall(r":\s+\"?(.{8,}?)\"?$", read(f"{folder}/search-gov/config/locales/ht.yml"), re.M)


def collect(folder):
    """language: source: lines. What several languages have (English that was never translated) is left out."""
    raw = {language: collections.defaultdict(list) for language in LANGUAGES}
    seen = collections.Counter()
    for language in LANGUAGES:
        for name, lines in sources(folder, language):
            raw[language][name] += [line for line in lines if line.strip()]
        seen.update({line for lines in raw[language].values() for line in lines})
    text = {}
    for language, found in raw.items():
        text[language] = {}
        for name, lines in found.items():
            own = [line for line in lines if name == "common-voice" or language == "en" or seen[line] == 1]
            own = list(dict.fromkeys(" ".join(MARKUP.sub(" ", line).split()) for line in own))
            random.Random(1).shuffle(own)
            kept, size = [], 0
            for line in own:
                if len(line) >= 8 and size < SOURCE_LIMIT:
                    kept.append(line)
                    size += len(line)
            text[language][name] = kept
        print(language, {name: sum(map(len, lines)) for name, lines in text[language].items()}, file=sys.stderr)
    return text


# MARK: n-grams, as LanguageModel.swift takes them

LOWERED = np.zeros(65536, np.uint16)
for value in range(65536):
    if unicodedata.category(chr(value))[0] in "LM":
        small = chr(value).lower()
        LOWERED[value] = ord(small) if len(small) == 1 and ord(small) < 65536 else value
EDGE = 0x5F


def characters(text):
    found = LOWERED[np.frombuffer(text.encode("utf-16-le", "replace"), np.uint16)]
    found = np.concatenate([[EDGE], np.where(found == 0, EDGE, found), [EDGE]]).astype(np.uint64)
    keep = np.ones(len(found), bool)
    keep[1:] = ~((found[1:] == EDGE) & (found[:-1] == EDGE))
    return found[keep]


def grams(c):
    edge = c == EDGE
    one, two, three = np.uint64(16), np.uint64(32), np.uint64(48)
    out = [c[~edge]]
    if len(c) > 1:
        out.append(c[:-1] << one | c[1:])
    if len(c) > 2:
        out.append((c[:-2] << two | c[1:-1] << one | c[2:])[~edge[1:-1]])
    if len(c) > 3:
        out.append((c[:-3] << three | c[1:-2] << two | c[2:-1] << one | c[3:])[~edge[1:-2] & ~edge[2:-1]])
    return np.concatenate(out)


def spelled(gram):
    text = ""
    while gram:
        text, gram = chr(gram & 0xFFFF) + text, gram >> 16
    return text


def group(language):
    return "cyrillic" if language in CYRILLIC else "arabic" if language in ARABIC else "latin"


def script(text):
    found = np.frombuffer(text.encode("utf-16-le", "replace"), np.uint16)
    found = found[LOWERED[found] > 0]
    counts = {"latin": (found < 0x250) | (found >= 0x1E00) & (found < 0x1F00), "cyrillic": (found >= 0x400) & (found < 0x530), "arabic": (found >= 0x600) & (found < 0x700)}
    return max(counts, key=lambda name: int(counts[name].sum()))


# MARK: The model


def frequencies(text):
    """language: n-gram: share, the sources weighed by the root of their size."""
    shares = {}
    for language, found in text.items():
        total, weights = collections.Counter(), 0.0
        for lines in found.values():
            size = sum(map(len, lines))
            if size < 2000:
                continue
            names, counts = np.unique(grams(characters("\n".join(lines))), return_counts=True)
            part, weight = counts / counts.sum() * 4, min(size, 300_000) ** 0.5
            for gram, share in zip(names[part > 2e-6].tolist(), part[part > 2e-6].tolist()):
                total[gram] += share * weight
            weights += weight
        shares[language] = {gram: share / weights for gram, share in total.items()}
    return shares


def chosen(shares):
    """language: the n-grams that it lists."""
    size = collections.Counter(map(group, shares))
    mean = collections.Counter()
    for language, found in shares.items():
        for gram, share in found.items():
            mean[group(language), gram] += share / size[group(language)]
    lists = {}
    for language, found in shares.items():
        frequent = set(sorted(found, key=lambda gram: (-found[gram], gram))[: PER_LANGUAGE * 2 // 3])
        gain = {gram: share * np.log(share / (mean[group(language), gram] + 1e-7)) for gram, share in found.items() if gram not in frequent}
        lists[language] = frequent | set(sorted(gain, key=lambda gram: (-gain[gram], gram))[: PER_LANGUAGE - len(frequent)])
    return lists


class Model:
    def __init__(self, shares):
        lists = chosen(shares)
        self.languages = sorted(shares)
        self.vocabulary = np.array(sorted(set().union(*lists.values())), np.uint64)
        place = {gram: index for index, gram in enumerate(self.vocabulary.tolist())}
        self.weights = np.zeros((len(place), len(self.languages)), np.float32)
        for column, language in enumerate(self.languages):
            for gram in lists[language]:
                self.weights[place[gram], column] = max(0.1, 10 + np.log(shares[language].get(gram, 1e-6))) / 4
        self.candidates = {name: np.array([group(language) == name for language in self.languages]) for name in ("latin", "cyrillic", "arabic")}

    def rows(self, text):
        found = grams(characters(text))
        rows = np.searchsorted(self.vocabulary, found)
        rows[rows == len(self.vocabulary)] = 0
        return rows[self.vocabulary[rows] == found]

    def judge(self, text):
        sums = np.where(self.candidates[script(text)], self.weights[self.rows(text)].sum(0), -1e9)
        return self.languages[int(sums.argmax())].split("-")[0]

    def fit(self, text):
        torch.manual_seed(1)
        rows, labels, allowed = [], [], []
        for label, window in windows(text, self.languages):
            found, name = self.rows(window), script(window)
            if len(found) >= 8 and self.candidates[name][label]:
                rows.append(torch.from_numpy(found))
                labels.append(label)
                allowed.append(self.candidates[name])
        labels, allowed = torch.tensor(labels), torch.from_numpy(np.array(allowed))
        weights = torch.tensor(self.weights, requires_grad=True)
        listed = torch.from_numpy((self.weights > 0).astype(np.float32))
        # Small steps, once through: four times as many, ten times as large, fit the text and not the languages.
        optimizer, batch, rate, step = torch.optim.Adam([weights]), 256, 0.002, 0
        steps = EPOCHS * (len(rows) // batch)
        for _ in range(EPOCHS):
            order, losses = torch.randperm(len(rows)), []
            for at in range(0, len(rows) - batch + 1, batch):
                ids = order[at : at + batch]
                bags = [rows[i] for i in ids.tolist()]
                offsets = torch.tensor([0] + [len(bag) for bag in bags[:-1]]).cumsum(0)
                sums = torch.nn.functional.embedding_bag(torch.cat(bags), weights, offsets, mode="sum").masked_fill(~allowed[ids], -50)
                loss = torch.nn.functional.cross_entropy(sums, labels[ids])
                optimizer.zero_grad()
                loss.backward()
                weights.grad *= listed
                optimizer.param_groups[0]["lr"] = rate * (1 - step / steps) + 1e-5
                optimizer.step()
                with torch.no_grad():
                    weights.clamp_(0, 63 / 16)
                losses.append(loss.item())
                step += 1
            print("loss", sum(losses[:20]) / 20, "to", sum(losses[-20:]) / 20, file=sys.stderr)
        self.weights = np.round(weights.detach().numpy() * 16) / 16


def windows(text, languages):
    """Stretches of 30 to 300 characters; a third of them with English words in between."""
    rng = np.random.default_rng(1)
    english = [word for name in ("firefox", "iD") for line in text["en"][name] for word in line.split() if word.isascii()]
    for label, language in enumerate(languages):
        found = [lines for lines in text[language].values() if sum(map(len, lines)) > 2000]
        share = np.array([min(sum(map(len, lines)), 200_000) ** 0.5 for lines in found])
        for _ in range(WINDOWS):
            lines = found[rng.choice(len(found), p=share / share.sum())]
            size, at = int(rng.choice([30, 60, 100, 200, 300])), int(rng.integers(len(lines)))
            window = lines[at]
            while len(window) < size:
                at = (at + 1) % len(lines)
                window += " " + lines[at]
            words = window[: size + 10].split(" ")
            if language != "en" and rng.random() < 0.35:
                for _ in range(max(1, int(len(words) * rng.random() * 0.35))):
                    words.insert(int(rng.integers(len(words) + 1)), english[int(rng.integers(len(english)))])
            yield label, " ".join(words)


SAME = {"hr": "sh", "sr": "sh", "bs": "sh", "no": "nb", "nn": "nb", "tl": "fil"}


def test(model, path, when):
    rows = [(SAME.get(code, code), text) for code, text in json.load(open(path, encoding="utf-8"))]
    rows = [row for row in rows if row[0] in model.languages]
    for limit in (None, 60):
        right = sum(model.judge(text[:limit]) == code for code, text in rows)
        print(f"{when}: {path}, {limit or 'whole'}: {right / len(rows):.4f} of {len(rows)}", file=sys.stderr)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder")
    options.add_argument("--test", action="append", default=[])
    options = options.parse_args()
    text = collect(options.folder)
    model = Model(frequencies(text))
    for path in options.test:
        test(model, path, "naive Bayes")
    model.fit(text)
    for path in options.test:
        test(model, path, "fitted")
    print("// Generated by Tests/Interop/language_model.py from the sources that it names; do not edit.")
    print("/// A line for each language: its code, then an n-gram (_ is the edge of a word) and its weight in sixteenths, from \"0\" for 0 upwards.")
    print('let languageGrams: StaticString = #"""')
    for column, language in enumerate(model.languages):
        listed = [(round(float(weight) * 16), gram) for weight, gram in zip(model.weights[:, column], model.vocabulary.tolist()) if weight > 0]
        print("    " + language + " " + " ".join(spelled(gram) + chr(48 + weight) for weight, gram in sorted(listed, key=lambda row: (-row[0], row[1]))))
    print('    """#')


main()
