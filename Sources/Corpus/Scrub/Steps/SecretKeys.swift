internal import QuintetFiles

/// Replaces keys, tokens and passwords that programs log in with; each kind is told by the prefix its issuer gives it.
struct SecretKeys: ScrubStep {
    static let name = "secrets"
    static let settings: [(key: String, value: JSON)] = [("action", "replace"), ("salt", "")]
    let kinds = DocumentKinds.all
    private let action: Redaction

    init(_ values: StepValues) throws { action = try Redaction(values) }

    func judge(_ page: Page) -> Judgement {
        let edits = page.text.withUnsafeBufferPointer { text in Self.find(text).map { action.edit($0.entity, $0.span, text) } }
        return edits.isEmpty ? .keep : .change(edits)
    }

    private struct Form: Sendable {
        var prefix: [UInt8]
        /// Fewest and most characters after the prefix.
        var length: ClosedRange<Int>
        var alphabet: Alphabet
        var entity: String
        init(_ prefix: String, _ length: ClosedRange<Int>, _ alphabet: Alphabet, _ entity: String) {
            (self.prefix, self.length, self.alphabet, self.entity) = (Array(prefix.utf8), length, alphabet, entity)
        }
    }

    private enum Alphabet { case upperDigits, alphanumeric, url, base64 }

    private static let forms: [Form] = [
        Form("AKIA", 16...16, .upperDigits, "AWS_ACCESS_KEY"), Form("ASIA", 16...16, .upperDigits, "AWS_ACCESS_KEY"),
        Form("ghp_", 36...36, .alphanumeric, "GITHUB_TOKEN"), Form("gho_", 36...36, .alphanumeric, "GITHUB_TOKEN"),
        Form("ghs_", 36...36, .alphanumeric, "GITHUB_TOKEN"), Form("ghu_", 36...36, .alphanumeric, "GITHUB_TOKEN"),
        Form("github_pat_", 60...100, .url, "GITHUB_TOKEN"), Form("glpat-", 20...64, .url, "GITLAB_TOKEN"),
        Form("xoxb-", 20...200, .url, "SLACK_TOKEN"), Form("xoxp-", 20...200, .url, "SLACK_TOKEN"), Form("xoxa-", 20...200, .url, "SLACK_TOKEN"),
        Form("xapp-", 20...200, .url, "SLACK_TOKEN"), Form("AIza", 35...35, .url, "GOOGLE_API_KEY"), Form("ya29.", 40...400, .url, "GOOGLE_TOKEN"),
        Form("sk-proj-", 40...200, .url, "API_KEY"), Form("sk-ant-", 40...200, .url, "API_KEY"), Form("sk-", 40...64, .alphanumeric, "API_KEY"),
        Form("hf_", 34...40, .alphanumeric, "HUGGINGFACE_TOKEN"), Form("npm_", 36...36, .alphanumeric, "NPM_TOKEN"),
        Form("pypi-", 80...300, .url, "PYPI_TOKEN"), Form("sk_live_", 24...120, .alphanumeric, "STRIPE_KEY"),
        Form("rk_live_", 24...120, .alphanumeric, "STRIPE_KEY"), Form("SG.", 60...80, .url, "SENDGRID_KEY"), Form("dop_v1_", 64...64, .alphanumeric, "DIGITALOCEAN_TOKEN"),
    ]
    private static let byFirst: [[Int]] = {
        var table = [[Int]](repeating: [], count: 256)
        for (i, form) in forms.enumerated() { if let first = form.prefix.first { table[Int(first)].append(i) } }
        return table
    }()

    static func find(_ text: UnsafeBufferPointer<UInt8>) -> [PersonalFinding] {
        guard let p = text.baseAddress else { return [] }
        var found: [PersonalFinding] = []
        var i = 0
        while i < text.count {
            let byte = p[i]
            var finding: PersonalFinding?
            if byte == 45 { finding = privateKey(text, i) } else if i == 0 || !PersonalFinder.isWord(p[i - 1]) {
                if !byFirst[Int(byte)].isEmpty { finding = token(text, i) }
                if finding == nil, byte == 101 { finding = webToken(text, i) }
                if finding == nil, (byte | 32) &- 97 < 26 { finding = assignment(text, i) }
            }
            if let finding {
                found.append(finding)
                i = finding.span.upperBound
            } else {
                i += 1
            }
        }
        return found
    }

    private static func isIn(_ alphabet: Alphabet, _ byte: UInt8) -> Bool {
        let digit = byte &- 48 < 10
        switch alphabet {
        case .upperDigits: return digit || byte &- 65 < 26
        case .alphanumeric: return digit || (byte | 32) &- 97 < 26
        case .url: return digit || (byte | 32) &- 97 < 26 || byte == 45 || byte == 95 || byte == 46
        case .base64: return digit || (byte | 32) &- 97 < 26 || byte == 43 || byte == 47 || byte == 61
        }
    }

    private static func token(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> PersonalFinding? {
        for index in byFirst[Int(text[start])] {
            let form = forms[index]
            let body = start + form.prefix.count
            guard body < text.count, form.prefix.indices.allSatisfy({ text[start + $0] == form.prefix[$0] }) else { continue }
            var end = body
            while end < text.count, isIn(form.alphabet, text[end]), end - body <= form.length.upperBound { end += 1 }
            guard form.length.contains(end - body), end == text.count || !PersonalFinder.isWord(text[end]), isRandom(text, body..<end) else { continue }
            return PersonalFinding(entity: form.entity, span: start..<end)
        }
        return nil
    }

    /// Not a placeholder such as XXXXXXXX or a word: some variety, and digits or both cases.
    private static func isRandom(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        var seen: (digits: Int, upper: Int, lower: Int) = (0, 0, 0)
        for i in range {
            if text[i] &- 48 < 10 { seen.digits += 1 } else if text[i] &- 65 < 26 { seen.upper += 1 } else if text[i] &- 97 < 26 { seen.lower += 1 }
        }
        return Set(text[range]).count >= 6 && (seen.digits > 0 || seen.upper > 0 && seen.lower > 0)
    }

    /// `-----BEGIN ... PRIVATE KEY-----` to its end.
    private static func privateKey(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> PersonalFinding? {
        guard Lines.starts(text, start..<text.count, "-----BEGIN ") else { return nil }
        let lineEnd = text[start...].firstIndex(of: 10) ?? text.count
        guard Lines.count("PRIVATE KEY", in: text, start..<lineEnd) > 0 else { return nil }
        let limit = min(text.count, start + 16384)
        var i = start + 20
        while i + 9 <= limit {
            if text[i] == 45, Lines.starts(text, i..<limit, "-----END ") {
                var end = i + 9
                while end < text.count, text[end] != 10, text[end] != 45 { end += 1 }
                while end < text.count, text[end] == 45 { end += 1 }
                return PersonalFinding(entity: "PRIVATE_KEY", span: start..<end)
            }
            i += 1
        }
        return nil
    }

    /// `eyJ...` in three parts.
    private static func webToken(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> PersonalFinding? {
        guard Lines.starts(text, start..<text.count, "eyJ") else { return nil }
        var (end, dots) = (start, 0)
        while end < text.count, isIn(.url, text[end]) {
            if text[end] == 46 { dots += 1 }
            end += 1
        }
        return dots == 2 && end - start > 40 ? PersonalFinding(entity: "JWT", span: start..<end) : nil
    }

    private static let names = ["password", "passwd", "secret", "api_key", "apikey", "access_key", "secret_key", "auth_token", "access_token", "private_key"]

    /// `password = "value"` and its like, and `NAME=value` without quotes and spaces: the value, if it looks random.
    private static func assignment(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> PersonalFinding? {
        var i = start
        while i < text.count, i - start < 40, PersonalFinder.isWord(text[i]) { i += 1 }
        let nameEnd = i
        while i < text.count, text[i] == 32 || text[i] == 34 || text[i] == 39 || text[i] == 93 { i += 1 }
        guard i < text.count, text[i] == 61 || text[i] == 58 else { return nil }
        let name = String(decoding: text[start..<nameEnd].map { $0 &- 65 < 26 ? $0 | 32 : $0 }, as: UTF8.self)
        guard names.contains(where: { name.hasSuffix($0) }) else { return nil }
        let isPlain = i == nameEnd && text[i] == 61
        i += 1
        while i < text.count, text[i] == 32 { i += 1 }
        guard i < text.count, let value = text[i] == 34 || text[i] == 39 ? quoted(text, i) : isPlain && text[i - 1] == 61 ? bare(text, i) : nil,
            value.count >= 12, isSecret(text, value)
        else { return nil }
        return PersonalFinding(entity: "SECRET", span: value)
    }

    private static func quoted(_ text: UnsafeBufferPointer<UInt8>, _ quote: Int) -> Range<Int>? {
        var end = quote + 1
        while end < text.count, text[end] != text[quote], text[end] > 32, end - quote <= 201 { end += 1 }
        return end < text.count && text[end] == text[quote] ? quote + 1..<end : nil
    }

    /// Letters and digits as keys are written in; what goes on in another way is a name, a call or a path.
    private static func bare(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Range<Int>? {
        var end = start
        while end < text.count, isIn(.base64, text[end]), end - start <= 200 { end += 1 }
        if end < text.count, PersonalFinder.isWord(text[end]) || "([{.:$<-".utf8.contains(text[end]) && !(text[end] == 46 && end + 1 < text.count && text[end + 1] <= 32) { return nil }
        return start..<end
    }

    private static func isSecret(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        let hasDigit = range.contains { text[$0] &- 48 < 10 }
        let hasLetter = range.contains { (text[$0] | 32) &- 97 < 26 }
        let marks = range.contains { "${}<>()%".utf8.contains(text[$0]) }
        return hasDigit && hasLetter && !marks && Set(text[range]).count >= 8
    }
}
