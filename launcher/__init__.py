"""What `make run` and `make test` do: private servers, the processes of a Linli server, and an end for all of them."""
