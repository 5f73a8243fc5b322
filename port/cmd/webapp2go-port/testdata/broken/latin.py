class Latin(object):
    name = "ä"
