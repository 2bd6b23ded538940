print("nothing of a broker")
