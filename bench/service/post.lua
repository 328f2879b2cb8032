-- A beer of a new name with each request. The first argument tells one run from another.
local count = 0
local run

function init(arguments)
    run = arguments[1]
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    count = count + 1
    local body = '{"name": "Beer ' .. run .. "-" .. count .. '", "style": "Stout", "brewery": "The House", "abv": 6.5}'
    return wrk.format(nil, nil, nil, body)
end
