"""The official `openai` and `anthropic` clients against a running server: texts, streams, calls of functions, schemas, vectors, errors.

    quintet serve MODEL --port 8080 &
    python3 Tests/Interop/clients.py http://127.0.0.1:8080 [--model NAME] [--key KEY]

Exit status 0: all went through, or a library is missing (said on the first line). 1: something did not.
"""
import argparse, json, sys

try:
    import anthropic, openai
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install openai anthropic)")
    sys.exit(0)

WEATHER = {"type": "object", "properties": {"town": {"type": "string", "maxLength": 8}}, "required": ["town"], "additionalProperties": False}
MESSAGES = [{"role": "user", "content": "Once upon a time"}]


def check(condition, what):
    if not condition:
        raise SystemExit(f"failed: {what}")
    print("ok:", what)


def openai_texts(client, model):
    whole = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=12, temperature=0)
    text = whole.choices[0].message.content
    check(whole.usage.completion_tokens <= 12 and whole.object == "chat.completion" and text, "chat")
    stream = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=12, temperature=0, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    check("".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text, "chat, streamed")
    check(chunks[-1].usage.completion_tokens == whole.usage.completion_tokens, "usage at the end of a stream")
    three = client.completions.create(model=model, prompt="Once upon", max_tokens=8, temperature=1, seed=4, n=3)
    check(len({c.text for c in three.choices}) > 1, "n texts differ")
    again = client.completions.create(model=model, prompt="Once upon", max_tokens=8, temperature=1, seed=4, n=3)
    check([c.text for c in again.choices] == [c.text for c in three.choices], "a seed repeats")
    told = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=4, logprobs=True, top_logprobs=3)
    check(len(told.choices[0].logprobs.content) == told.usage.completion_tokens, "logprobs")
    legacy = client.completions.create(model=model, prompt="Once upon", max_tokens=4, logprobs=2, echo=True)
    check(len(legacy.choices[0].logprobs.tokens) == legacy.usage.total_tokens and legacy.choices[0].text.startswith("Once upon"), "logprobs of an echo")
    bias = client.completions.create(model=model, prompt="Once upon", max_tokens=4, temperature=0, logit_bias={"5": 100}, stop=["zzz"], presence_penalty=0.5)
    check(bias.choices[0].finish_reason in ("length", "stop"), "bias, stop, penalties")


def openai_formats(client, model):
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=400,
        response_format={"type": "json_schema", "json_schema": {"name": "weather", "schema": WEATHER, "strict": True}})
    check("town" in json.loads(answer.choices[0].message.content), "a schema holds")
    tools = [{"type": "function", "function": {"name": "weather", "description": "Of a town", "parameters": WEATHER}}]
    for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
        answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=400, tools=tools, tool_choice=choice)
        call = answer.choices[0].message.tool_calls[0]
        check(call.function.name == "weather" and "town" in json.loads(call.function.arguments), f"a call is forced ({choice if isinstance(choice, str) else 'named'})")
    answer = client.chat.completions.create(
        model=model, max_tokens=6, tools=tools,
        messages=MESSAGES + [
            {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]}, {"role": "tool", "tool_call_id": call.id, "content": "Rain."}])
    check(answer.choices[0].message.role == "assistant", "the result of a call goes back")
    with client.chat.completions.stream(model=model, messages=MESSAGES, max_tokens=400, tools=tools, tool_choice="required") as stream:
        for _ in stream:
            pass
        check(stream.get_final_completion().choices[0].message.tool_calls[0].function.name == "weather", "calls, streamed")


def openai_rest(client, model):
    check(model in [m.id for m in client.models.list()], "models")
    check(client.models.retrieve(model).id == model, "a model")
    vectors = client.embeddings.create(model=model, input=["a cat", "a dog"])
    check(len(vectors.data) == 2 and abs(sum(x * x for x in vectors.data[0].embedding) - 1) < 1e-3, "vectors (base64)")
    plain = client.embeddings.create(model=model, input=["a cat"], encoding_format="float")
    check(all(abs(a - b) < 1e-6 for a, b in zip(plain.data[0].embedding, vectors.data[0].embedding)), "vectors (numbers)")
    for wanted, call in [
        (openai.NotFoundError, lambda: client.chat.completions.create(model="nobody", messages=MESSAGES)),
        (openai.BadRequestError, lambda: client.chat.completions.create(model=model, messages=[])),
        (openai.BadRequestError, lambda: client.completions.create(model=model, prompt="a " * 50_000)),
    ]:
        try:
            call()
            check(False, f"{wanted.__name__} is raised")
        except wanted as error:
            check(error.body["message"], f"{wanted.__name__}: {error.body['message'][:70]}")


def anthropic_texts(client, model):
    whole = client.messages.create(model=model, max_tokens=12, system="Tell a story.", messages=MESSAGES)
    check(whole.type == "message" and whole.usage.output_tokens <= 12, "messages")
    with client.messages.stream(model=model, max_tokens=12, system="Tell a story.", messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    check(text == whole.content[0].text and final.stop_reason == whole.stop_reason, "messages, streamed")
    check(client.messages.count_tokens(model=model, messages=MESSAGES).input_tokens > 0, "count_tokens")
    call = client.messages.create(
        model=model, max_tokens=400, messages=MESSAGES, tools=[{"name": "weather", "input_schema": WEATHER}], tool_choice={"type": "tool", "name": "weather"})
    block = call.content[-1]
    check(call.stop_reason == "tool_use" and block.type == "tool_use" and "town" in block.input, "a call is forced")
    try:
        client.messages.create(model="nobody", max_tokens=1, messages=MESSAGES)
        check(False, "NotFoundError is raised")
    except anthropic.NotFoundError:
        check(True, "NotFoundError")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--model")
    parser.add_argument("--key", default="none")
    arguments = parser.parse_args()
    client = openai.OpenAI(base_url=arguments.url + "/v1", api_key=arguments.key, max_retries=0)
    model = arguments.model or client.models.list().data[0].id
    openai_texts(client, model)
    openai_formats(client, model)
    openai_rest(client, model)
    anthropic_texts(anthropic.Anthropic(base_url=arguments.url, api_key=arguments.key, max_retries=0), model)


main()
