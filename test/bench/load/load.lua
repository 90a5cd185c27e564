-- What wrk asks, and how it looks at the answers: each request is for a client name of its own, and each answer has to be
-- for a name that an answer is still due to. The first body and every thousandth after it are written to a file, one for
-- each thread.
--
-- usage: wrk -s load.lua URL -- FOLDER TIMEOUT

local threads = {} -- only in the state that runs setup and done

function setup(thread)
	table.insert(threads, thread)
	thread:set("id", #threads)
end

function init(args)
	asked, answered, refused, strangers = 0, 0, 0, 0
	due = {} -- since when, by name
	timeout = tonumber(args[2]) -- in seconds
	rest = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n\r\n"
	sample = assert(io.open(args[1] .. "/" .. id, "w"))
	sample:setvbuf("line")
end

function request()
	asked = asked + 1
	local name = "load_" .. id .. "_" .. asked
	-- wrk tries the first thread's request once, and sends it nowhere.
	if id > 1 or asked > 1 then
		due[name] = os.time()
	end
	return "GET /" .. name .. rest
end

function response(status, _, body)
	if status ~= 200 then
		refused = refused + 1
		return
	end
	local name = string.match(body, '"identity":"([^"]*)"')
	if name and due[name] then
		due[name] = nil
	else
		strangers = strangers + 1
	end
	answered = answered + 1
	if answered % 1000 == 1 then
		sample:write(body, "\n")
	end
end

-- Prints one line of JSON, with times in microseconds.
function done(summary, latency)
	local refused, strangers, lost = 0, 0, 0
	for _, thread in ipairs(threads) do
		refused = refused + thread:get("refused")
		strangers = strangers + thread:get("strangers")
		-- wrk counts neither an answer that never comes nor a connection that the server closes.
		for _, since in pairs(thread:get("due")) do
			if os.time() - since > thread:get("timeout") then
				lost = lost + 1
			end
		end
	end
	lost = math.max(0, lost - refused - strangers) -- a wrong answer leaves a name due too
	local errors = summary.errors
	print(string.format('{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"max":%d,' ..
		'"connect":%d,"read":%d,"write":%d,"timeout":%d,"refused":%d,"strangers":%d,"lost":%d}',
		summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
		errors.connect, errors.read, errors.write, errors.timeout, refused, strangers, lost))
end
