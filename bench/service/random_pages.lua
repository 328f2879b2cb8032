-- Pages of 50 beers after a random id.
math.randomseed(os.time())

function request()
    return wrk.format("GET", "/beers?limit=50&after=" .. math.random(0, 1000000))
end
