import webapp2
from google.appengine.ext import ndb
from google.appengine.ext.ndb import polymodel

class Address(ndb.Model):
    street = ndb.StringProperty()
    zip = ndb.StringProperty('z', indexed=False)

class Note(ndb.Model):
    text = ndb.TextProperty()

class Base(ndb.Model):
    created = ndb.DateTimeProperty(auto_now_add=True)

class Customer(Base):
    name = ndb.StringProperty(required=True)
    address = ndb.StructuredProperty(Address)
    others = ndb.StructuredProperty(Address, repeated=True)
    note = ndb.LocalStructuredProperty(Note)
    notes = ndb.LocalStructuredProperty(Note, repeated=True)
    packed = ndb.LocalStructuredProperty(Note, compressed=True)
    tags = ndb.StringProperty(repeated=True)
    data = ndb.JsonProperty(compressed=True)
    owner = ndb.UserProperty()
    upper = ndb.ComputedProperty(lambda self: self.name.upper())
    parent = ndb.KeyProperty(kind='Customer')
    where = ndb.GeoPtProperty()
    save = ndb.BooleanProperty(default=False)

    @classmethod
    def by_name(cls, name):
        return cls.query(cls.name == name).get()

class Animal(polymodel.PolyModel):
    legs = ndb.IntegerProperty()

class Page(webapp2.RequestHandler):
    def get(self):
        pass

app = webapp2.WSGIApplication([('/', Page)])
