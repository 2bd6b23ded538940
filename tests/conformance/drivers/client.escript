#!/usr/bin/env escript
%% Erlang's ssl with its default check of the host name. Requests and answers as in client.py.
main(_) ->
    logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Version} = application:get_key(ssl, vsn),
    io:format("Erlang/OTP ~s, ssl ~s~n", [erlang:system_info(otp_release), Version]),
    serve(first).

%% The first handshake loads ssl and crypto, for which a busy machine takes longer than the server waits: it is made
%% twice, and the second one counts.
serve(Turn) ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            [Port, Ca, Name] = string:split(string:trim(Line, trailing, "\n"), "\t", all),
            Ask = fun() -> answer(catch attempt(list_to_integer(Port), Ca, Name)) end,
            case Turn of first -> Ask(); later -> ok end,
            io:format("~s~n", [Ask()]),
            serve(later)
    end.

answer({ok, Socket}) -> ssl:close(Socket), "yes";
answer({error, Why}) when Why =:= econnrefused; Why =:= timeout -> io_lib:format("failed\t~p", [Why]);
answer(Other) ->
    Text = lists:flatten(io_lib:format("~0p", [Other])),
    ["no\t", [C || C <- lists:sublist(Text, 300), C >= 32, C < 127]].

%% An address is dialled as such, because Erlang compares it only then with iPAddress entries.
attempt(Port, Ca, Name) ->
    Options = [{verify, verify_peer}, {cacertfile, Ca}, {log_level, none}],
    case {Name, address(Name)} of
        {"-", _} -> upgrade(Port, [{server_name_indication, disable} | Options]);
        {_, {ok, Address}} when tuple_size(Address) =:= 8 -> ssl:connect(Name, Port, [inet6 | Options], 6000);
        {_, {ok, _}} -> ssl:connect(Name, Port, [inet | Options], 6000);
        _ -> upgrade(Port, [{server_name_indication, Name} | Options])
    end.

%% inet takes a bare number for an address too.
address(Name) ->
    case lists:any(fun(C) -> C =:= $. orelse C =:= $: end, Name) of
        true -> inet:parse_address(Name);
        false -> {error, einval}
    end.

upgrade(Port, Options) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, [{active, false}], 5000) of
        {ok, Socket} -> ssl:connect(Socket, Options, 6000);
        Error -> Error
    end.
