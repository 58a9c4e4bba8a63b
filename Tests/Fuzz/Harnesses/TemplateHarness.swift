import QuintetFiles
import QuintetTokenizers

extension Harness {
    /// Chat templates: read, then run on a conversation with tools, under a small budget.
    static let template = Harness("template", seeds: templateSeeds.map { Array($0.utf8) }) { bytes in
        var budget = TemplateBudget()
        (budget.steps, budget.output, budget.seconds) = (20_000, 1 << 16, 0.5)
        let rendered = try ChatTemplate(String(decoding: bytes, as: UTF8.self), budget: budget).render(conversation, clock: .fixed(1_768_478_400))
        precondition((rendered.content + rendered.assistant).allSatisfy { $0.upperBound <= rendered.text.utf8.count }, "a range beyond the text")
    }

    private static let templateSeeds = [
        "{{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>' + m['content'] | trim }}{% if loop.last %}!{% else %},{% endif %}{% endfor %}",
        "{%- set ns = namespace(a=0) -%}{%- for m in messages if m.tool_calls is defined %}{% set ns.a = ns.a + 1 %}{{ m.tool_calls | tojson(indent=2) }}{% endfor %}",
        "{% macro f(a, b=2) %}{{ a ~ b }}{{ caller() }}{% endmacro %}{% call f(1) %}x{% endcall %}{% generation %}{{ tools | map(attribute='function.name') | join }}{% endgeneration %}",
        "{{ messages[::-1] | selectattr('role', 'in', ['user']) | list | length }}{{ '%5.2f' % 1.5 }}{{ 'a,b'.split(',') | sort | batch(1) | list }}{# c #}{% raw %}{{ }}{% endraw %}",
    ]

    private static let conversation: ChatInput = {
        let call: JSON = ["id": "1", "type": "function", "function": ["name": "f", "arguments": ["a": 1, "b": [1.5, nil, true]]]]
        var input = ChatInput(
            messages: [
                ["role": "system", "content": "s <|x|>"], ["role": "user", "content": " Hi é "], ["role": "assistant", "content": "", "tool_calls": [call]],
                ["role": "tool", "content": "ok"],
            ], tools: [["type": "function", "function": ["name": "f", "description": "d", "parameters": ["type": "object"]]]],
            documents: [["title": "t", "text": "x"]], addsGenerationPrompt: true)
        input.specialTokens = ["bos_token": "<s>", "eos_token": "</s>"]
        return input
    }()
}
