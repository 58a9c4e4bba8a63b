import QuintetCorpus
import QuintetFiles
import Testing

@Suite struct PersonalDataTests {
    private func redacted(_ text: String, _ settings: String = "{}") throws -> String {
        let fixture = try ScrubFixture()
        try fixture.write("a", [ScrubFixture.row("x", text)])
        try fixture.scrub("{steps: [personal_data, secrets], personal_data: \(settings)}")
        return try fixture.documents()["x"]?.text ?? ""
    }

    @Test(arguments: [
        ("mail jane.doe+news@mail.example.co.uk.", "mail <EMAIL_ADDRESS>."), ("at 86.121.97.248 now", "at <IP_ADDRESS> now"),
        ("a new version. 86.121.97.248 has it", "a new version. <IP_ADDRESS> has it"), ("released to 86.121.97.248", "released to <IP_ADDRESS>"),
        ("release 192.168.1.5 and renew", "release <IP_ADDRESS> and renew"), ("from 8.8.8.8 to 8.8.4.4", "from <IP_ADDRESS> to <IP_ADDRESS>"),
        ("this section and 8.8.8.8", "this section and <IP_ADDRESS>"), ("ip==10.0.0.1", "ip==<IP_ADDRESS>"), ("server: 10.0.0.1", "server: <IP_ADDRESS>"),
        ("v6 2001:db8:85a3::8a2e:370:7334 ok", "v6 <IP_ADDRESS> ok"), ("card 4111 1111 1111 1111 paid", "card <CREDIT_CARD> paid"),
        ("card 378282246310005.", "card <CREDIT_CARD>."), ("SSN 460-89-9847 on file", "SSN <US_SSN> on file"),
        ("to GB82 WEST 1234 5698 7654 32 please", "to <IBAN_CODE> please"), ("DE89370400440532013000", "<IBAN_CODE>"),
        ("call (212) 555-0123 or +44 7700 900123", "call <PHONE_NUMBER> or <PHONE_NUMBER>"), ("NHS number 943 476 5919", "NHS number <UK_NHS>"),
        ("NIF 12345678Z.", "NIF <ES_NIF>."), ("code RSSMRA85T10A562S here", "code <IT_FISCAL_CODE> here"), ("PESEL 44051401359", "PESEL <PL_PESEL>"),
        ("hetu 131052-308T", "hetu <FI_PERSONAL_IDENTITY_CODE>"), ("NRIC S1234567D", "NRIC <SG_NRIC_FIN>"), ("aadhaar 2341 2341 2346", "aadhaar <IN_AADHAAR>"),
        ("NI number AB 12 34 56 C.", "NI number <UK_NINO>."), ("AB123456C and AB 123456 C", "<UK_NINO> and <UK_NINO>"), ("AB-12-34-56-C", "<UK_NINO>"),
        ("NIF 12345678-Z, 12.345.678-Z", "NIF <ES_NIF>, <ES_NIF>"), ("NIE X-1234567-L or X1234567-L or X1234567L", "NIE <ES_NIF> or <ES_NIF> or <ES_NIF>"),
        ("host fe80::1 up", "host <IP_ADDRESS> up"), ("at 2001:db8::1, fd00::53%eth0", "at <IP_ADDRESS>, <IP_ADDRESS>%eth0"), ("ping 2a00::8", "ping <IP_ADDRESS>"),
        ("mail user@münchen.de now", "mail <EMAIL_ADDRESS> now"), ("jürgen.groß@bücher.example", "<EMAIL_ADDRESS>"), ("почта иван@пример.рф.", "почта <EMAIL_ADDRESS>."),
        ("to jo@ex.org.“Yes”", "to <EMAIL_ADDRESS>.“Yes”"), ("连接user@example.com谢谢", "连接<EMAIL_ADDRESS>谢谢"), ("call me at 123-456-7890", "call me at <PHONE_NUMBER>"),
        ("ask 212-555-0123", "ask <PHONE_NUMBER>"), ("us (212-555-0123) or", "us (<PHONE_NUMBER>) or"), ("phone 2345 6789", "phone <PHONE_NUMBER>"),
    ])
    func found(_ text: String, _ expected: String) throws { #expect(try redacted(text) == expected) }

    @Test(arguments: [
        "version 1.2.3.4.5 of it", "4111 1111 1111 1112 fails its check", "in 1999-2004 and 2024-01-31", "GB82 WEST 1234 5698 7654 33 is no account",
        "pages 123-456 and 12,345,678 people", "an @ sign and name@host", "000-12-3456", "std::vector and a::b", "section 10.2.1", "ISBN 978-3-16-148410-0",
        "π is 3.14159265358979", "RSSMRA85T10A562T", "a population of 10 000 000 000 or 1 000 000 000 000", "matrix 100 200 300 4000", "Tel Aviv 2023 2024",
        "Karl Kraus (1874-1936) was a critic", "(1815-1902)", "call it (1066-1087), or (1874 - 1936)", "telephone: ranked on the 2008 400 Richest Americans list",
        "a contact at No. 200 (2016)", "our identification number is 64-6221541",
        "logo@2x.png and img@3x.webp", "version 1.2.3.4 of the tool", "Section 3.2.1.4 says", "see §§ 3.2.1.4 and 3.2.1.5", "from version 10.2.0.4 to 10.2.0.5",
        "Release: 11.2.0.4, 11.2.0.5 or 11.2.0.6", "sec. 1.2.3.4", "firmware number 4.0.11.2", "size 100-200-3000 cm", "AB 12 34 56 X", "to 12 34 56 a", "12345678-A", "dead::beef and abcd::1", "x[::1] and ::1", "2×3@4×5",
        "fe80:: and 2024::1", "BG 12 34 56 C", "a@b.“c”", "chapter (2.1.1.3)", "tool>=1.2.3.4", "RFC no. 1.2.3.4",
    ])
    func leftAlone(_ text: String) throws { #expect(try redacted(text) == text) }

    @Test func actions() throws {
        #expect(try redacted("a jo@ex.org b", "{action: mask}") == "a ********* b")
        #expect(try redacted("a jo@ex.org b", "{action: remove}") == "a  b")
        let hashed = try redacted("a jo@ex.org b jo@ex.org", "{action: hash, salt: s}").split(separator: " ")
        #expect(hashed.count == 4 && hashed[1].count == 16 && hashed[1] == hashed[3])
        #expect(try redacted("a jo@ex.org 86.121.97.248", "{entities: [IP_ADDRESS]}") == "a jo@ex.org <IP_ADDRESS>")
    }

    @Test func keysAndTokens() throws {
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow" + "IBAAKCAQEA1234567890abcdef\n-----END RSA PRIVATE KEY-----"
        #expect(try redacted("k\n\(pem)\nend") == "k\n<PRIVATE_KEY>\nend")
        #expect(try redacted("token ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8 end") == "token <GITHUB_TOKEN> end")
        #expect(try redacted("password = \"hunter2Xy9!longer\"") == "password = \"<SECRET>\"")
        #expect(try redacted("AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY") == "AWS_SECRET_ACCESS_KEY=<SECRET>")
        #expect(try redacted("DB_PASSWORD=hunter2secret and more") == "DB_PASSWORD=<SECRET> and more")
        let code = "connect(password=load_password(2), secret=settings.SECRET_KEY2, api_key=apiKeyFrom2024[0]) secret = someValue12345"
        #expect(try redacted(code) == code)
        #expect(try redacted("AKIAXXXXXXXXXXXXXXXX and password: \"changeme\"") == "AKIAXXXXXXXXXXXXXXXX and password: \"changeme\"")
    }
}
