/// Character references of HTML ("&amp;", "&#8217;").
enum HTMLEntities {
    /// Appends text with its references replaced; what is no reference stays as it is.
    static func append(_ source: ArraySlice<UInt8>, to out: inout [UInt8], inAttribute: Bool) {
        guard source.contains(0x26) else { return out.append(contentsOf: source) }
        var at = source.startIndex
        while at < source.endIndex {
            let next = source[at...].firstIndex(of: 0x26) ?? source.endIndex
            out.append(contentsOf: source[at..<next])
            at = next
            if at == source.endIndex { break }
            if let (scalars, end) = reference(source, at + 1, inAttribute) {
                for code in scalars { append(code, &out) }
                at = end
            } else {
                out.append(0x26)
                at += 1
            }
        }
    }

    private static func append(_ code: UInt32, _ out: inout [UInt8]) {
        let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
        out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private static func reference(_ source: ArraySlice<UInt8>, _ start: Int, _ inAttribute: Bool) -> ([UInt32], Int)? {
        guard start < source.endIndex else { return nil }
        return source[start] == 0x23 ? number(source, start + 1) : name(source, start, inAttribute)
    }

    private static func number(_ source: ArraySlice<UInt8>, _ start: Int) -> ([UInt32], Int)? {
        var at = start
        let isHex = at < source.endIndex && source[at] | 32 == 0x78
        if isHex { at += 1 }
        let first = at
        var value: UInt32 = 0
        while at < source.endIndex, let digit = digit(source[at], isHex) {
            value = value > 0x10FFFF ? value : value * (isHex ? 16 : 10) + digit
            at += 1
        }
        if at == first { return nil }
        if at < source.endIndex, source[at] == 0x3B { at += 1 }
        return ([value == 0 ? 0xFFFD : TextDecoding.windows1252(value)], at)
    }

    private static func digit(_ byte: UInt8, _ isHex: Bool) -> UInt32? {
        if byte &- 48 < 10 { return UInt32(byte - 48) }
        return isHex && (byte | 32) &- 97 < 6 ? UInt32((byte | 32) - 87) : nil
    }

    /// With a semicolon any name; without one those that were always taken so, in text.
    private static func name(_ source: ArraySlice<UInt8>, _ start: Int, _ inAttribute: Bool) -> ([UInt32], Int)? {
        var end = start
        while end < source.endIndex, end - start < 32, (source[end] | 32) &- 97 < 26 || source[end] &- 48 < 10 { end += 1 }
        if end < source.endIndex, source[end] == 0x3B, let code = table[String(decoding: source[start..<end], as: UTF8.self)] {
            return ([code], end + 1)
        }
        if inAttribute { return nil }
        for length in [6, 5, 4, 3, 2] where end - start >= length {
            let text = String(decoding: source[start..<start + length], as: UTF8.self)
            if bare.contains(text), let code = table[text] { return ([code], start + length) }
        }
        return nil
    }

    /// Names that need no semicolon.
    private static let bare: Set<String> = ["amp", "lt", "gt", "quot", "nbsp", "copy", "reg", "pound", "laquo", "raquo", "eacute", "egrave", "agrave", "ccedil", "auml", "ouml", "uuml", "szlig"]

    private static let table: [String: UInt32] = {
        var table: [String: UInt32] = [:]
        for pair in named.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let parts = pair.split(separator: "=")
            if parts.count == 2, let code = UInt32(parts[1], radix: 16) { table[String(parts[0])] = code }
        }
        for (index, name) in latin1.split(separator: " ").enumerated() { table[String(name)] = 0xA0 + UInt32(index) }
        for (index, name) in greek.split(separator: " ").enumerated() where name != "-" {
            table[String(name)] = 0x391 + UInt32(index)
            table[name.lowercased()] = 0x3B1 + UInt32(index)
        }
        return table
    }()

    /// U+00A0 to U+00FF in their order.
    private static let latin1 = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm \
        raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH \
        Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig \
        ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml \
        yacute thorn yuml
        """

    /// U+0391 to U+03A9 in their order; U+03B1 on in small letters.
    private static let greek = "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau Upsilon Phi Chi Psi Omega"

    private static let named = """
        amp=26 lt=3C gt=3E quot=22 apos=27 AMP=26 LT=3C GT=3E QUOT=22 COPY=A9 REG=AE Tab=9 NewLine=A excl=21 num=23 dollar=24 percnt=25 lpar=28
        rpar=29 ast=2A plus=2B comma=2C period=2E sol=2F colon=3A semi=3B equals=3D quest=3F commat=40 lsqb=5B lbrack=5B bsol=5C rsqb=5D rbrack=5D
        lowbar=5F grave=60 lcub=7B lbrace=7B verbar=7C vert=7C rcub=7D rbrace=7D Abreve=102 abreve=103 Amacr=100 amacr=101 Aogon=104 aogon=105
        Cacute=106 cacute=107 Ccaron=10C ccaron=10D Dcaron=10E dcaron=10F Dstrok=110 dstrok=111 Emacr=112 emacr=113 Eogon=118 eogon=119 Ecaron=11A
        ecaron=11B Gbreve=11E gbreve=11F Imacr=12A imacr=12B Idot=130 inodot=131 imath=131 Lstrok=141 lstrok=142 Nacute=143 nacute=144 Ncaron=147
        ncaron=148 Omacr=14C omacr=14D Odblac=150 odblac=151 OElig=152 oelig=153 Rcaron=158 rcaron=159 Sacute=15A sacute=15B Scedil=15E scedil=15F
        Scaron=160 scaron=161 Tcaron=164 tcaron=165 Umacr=16A umacr=16B Uring=16E uring=16F Udblac=170 udblac=171 Yuml=178 Zacute=179 zacute=17A
        Zdot=17B zdot=17C Zcaron=17D zcaron=17E fnof=192 circ=2C6 tilde=2DC sigmaf=3C2 thetasym=3D1 upsih=3D2 piv=3D6 ensp=2002 emsp=2003 thinsp=2009
        hairsp=200A numsp=2007 puncsp=2008 zwnj=200C zwj=200D lrm=200E rlm=200F hyphen=2010 dash=2010 ndash=2013 mdash=2014 horbar=2015 lsquo=2018
        rsquo=2019 rsquor=2019 sbquo=201A lsquor=201A ldquo=201C rdquo=201D rdquor=201D bdquo=201E ldquor=201E dagger=2020 Dagger=2021 bull=2022
        bullet=2022 hellip=2026 mldr=2026 permil=2030 prime=2032 Prime=2033 lsaquo=2039 rsaquo=203A oline=203E frasl=2044 euro=20AC image=2111
        weierp=2118 real=211C trade=2122 TRADE=2122 numero=2116 alefsym=2135 larr=2190 uarr=2191 rarr=2192 darr=2193 harr=2194 crarr=21B5 lArr=21D0
        uArr=21D1 rArr=21D2 dArr=21D3 hArr=21D4 forall=2200 part=2202 exist=2203 empty=2205 nabla=2207 isin=2208 notin=2209 ni=220B prod=220F sum=2211
        minus=2212 lowast=2217 radic=221A prop=221D infin=221E ang=2220 and=2227 or=2228 cap=2229 cup=222A int=222B there4=2234 sim=223C cong=2245
        asymp=2248 ne=2260 equiv=2261 le=2264 ge=2265 sub=2282 sup=2283 nsub=2284 sube=2286 supe=2287 oplus=2295 otimes=2297 perp=22A5 sdot=22C5
        lceil=2308 rceil=2309 lfloor=230A rfloor=230B lang=27E8 rang=27E9 loz=25CA spades=2660 clubs=2663 hearts=2665 diams=2666 check=2713 cross=2717
        phone=260E star=2606 starf=2605 male=2642 female=2640 square=25A1 frac13=2153 frac23=2154 frac15=2155 frac18=215B frac38=215C frac58=215D
        frac78=215E half=BD nbsp=A0 ohm=3A9 copysr=2117 incare=2105 ell=2113 fflig=FB00 filig=FB01 fllig=FB02
        """
}
