class SimpleAuth(object):
    def _simple_auth(self, provider=None):
        pass

    def _auth_callback(self, provider=None):
        pass
